// Changes a value and reads it, with the endpoint set: Go alibaba-cloud-sdk-go/services/kms (V1).
package main

import (
	"fmt"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/kms"
)

func main() {
	client, err := kms.NewClientWithAccessKey("cn-hangzhou", "x", "y")
	if err != nil {
		panic(err)
	}
	client.Domain = "127.0.0.1:4588"

	change := kms.CreatePutSecretValueRequest()
	change.SecretName = "app/database-url"
	change.VersionId = "v2"
	change.SecretData = "hunter2"
	if _, err := client.PutSecretValue(change); err != nil {
		panic(err)
	}
	request := kms.CreateGetSecretValueRequest()
	request.SecretName = "app/database-url"
	answer, err := client.GetSecretValue(request)
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.SecretData)
}
