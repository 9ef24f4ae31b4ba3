// Changes a database password and reads it, as a service in production would: Go kms-20160120/v3.
package main

import (
	"fmt"
	"os"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	kms "github.com/alibabacloud-go/kms-20160120/v3/client"
	"github.com/alibabacloud-go/tea/tea"
)

func main() {
	client, err := kms.NewClient(&openapi.Config{
		AccessKeyId:     tea.String(os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_ID")),
		AccessKeySecret: tea.String(os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")),
		Endpoint:        tea.String("kms.cn-hangzhou.aliyuncs.com"),
	})
	if err != nil {
		panic(err)
	}
	_, err = client.PutSecretValue(&kms.PutSecretValueRequest{
		SecretName: tea.String("db/password"),
		VersionId:  tea.String("v2"),
		SecretData: tea.String("hunter2"),
	})
	if err != nil {
		panic(err)
	}
	answer, err := client.GetSecretValue(&kms.GetSecretValueRequest{SecretName: tea.String("db/password")})
	if err != nil {
		panic(err)
	}
	fmt.Println(tea.StringValue(answer.Body.SecretData))
}
