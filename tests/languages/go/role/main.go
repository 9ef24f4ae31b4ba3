// Answers each line of its input with a database password, read with the role that its environment gives it: the
// default chain of credentials-go. With an argument it assumes the role itself.
package main

import (
	"bufio"
	"fmt"
	"os"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	kms "github.com/alibabacloud-go/kms-20160120/v3/client"
	"github.com/alibabacloud-go/tea/tea"
	"github.com/aliyun/credentials-go/credentials"
)

func find() (credentials.Credential, error) {
	if len(os.Args) == 1 {
		return credentials.NewCredential(nil)
	}
	return credentials.NewCredential(new(credentials.Config).
		SetType("ram_role_arn").
		SetAccessKeyId(os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_ID")).
		SetAccessKeySecret(os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")).
		SetRoleArn(os.Getenv("ALIBABA_CLOUD_ROLE_ARN")).
		SetRoleSessionName("app").
		SetRoleSessionExpiration(3600))
}

func main() {
	credential, err := find()
	if err != nil {
		panic(err)
	}
	endpoint := tea.String("kms.cn-hangzhou.aliyuncs.com")
	client, err := kms.NewClient(&openapi.Config{Credential: credential, Endpoint: endpoint})
	if err != nil {
		panic(err)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		answer, err := client.GetSecretValue(&kms.GetSecretValueRequest{SecretName: tea.String("db/password")})
		if err != nil {
			panic(err)
		}
		fmt.Println(tea.StringValue(answer.Body.SecretData))
	}
}
