// Changes a value and reads it, with the endpoint set: Go kms-20160120/v3.
package main

import (
	"fmt"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	kms "github.com/alibabacloud-go/kms-20160120/v3/client"
	"github.com/alibabacloud-go/tea/tea"
)

func main() {
	client, err := kms.NewClient(&openapi.Config{
		AccessKeyId:     tea.String("x"),
		AccessKeySecret: tea.String("y"),
		Endpoint:        tea.String("127.0.0.1:4588"),
		Protocol:        tea.String("http"),
	})
	if err != nil {
		panic(err)
	}
	_, err = client.PutSecretValue(&kms.PutSecretValueRequest{
		SecretName: tea.String("app/database-url"),
		VersionId:  tea.String("v2"),
		SecretData: tea.String("hunter2"),
	})
	if err != nil {
		panic(err)
	}
	answer, err := client.GetSecretValue(&kms.GetSecretValueRequest{SecretName: tea.String("app/database-url")})
	if err != nil {
		panic(err)
	}
	fmt.Println(tea.StringValue(answer.Body.SecretData))
}
