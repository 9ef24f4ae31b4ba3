// Reads a database password, configured by the environment alone: Go aliyun-secretsmanager-client-go, which knows https only.
package main

import (
	"fmt"

	"github.com/aliyun/aliyun-secretsmanager-client-go/sdk"
)

func main() {
	client, err := sdk.NewClient()
	if err != nil {
		panic(err)
	}
	secret, err := client.GetSecretInfo("db/password")
	if err != nil {
		panic(err)
	}
	fmt.Println(secret.SecretValue)
}
