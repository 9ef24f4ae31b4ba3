// Imitates the shared gateway on top of a KMS instance's own: alibabacloud-dkms-transfer-go-sdk.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/kms"
	"github.com/aliyun/alibabacloud-dkms-transfer-go-sdk/sdk"

	. "kms-mock/programs/dedicated"
)

const aes, context = "key-hzz65f0c1a2aes0000000", `{"b":"2","a":"é"}`

// Both are what the transfer client and the client of the shared gateway can do.
type both interface {
	Encrypt(*kms.EncryptRequest) (*kms.EncryptResponse, error)
	Decrypt(*kms.DecryptRequest) (*kms.DecryptResponse, error)
	GenerateDataKey(*kms.GenerateDataKeyRequest) (*kms.GenerateDataKeyResponse, error)
	AsymmetricSign(*kms.AsymmetricSignRequest) (*kms.AsymmetricSignResponse, error)
	AsymmetricVerify(*kms.AsymmetricVerifyRequest) (*kms.AsymmetricVerifyResponse, error)
}

func use(maker, opener both) {
	encrypt := kms.CreateEncryptRequest()
	encrypt.KeyId, encrypt.Plaintext, encrypt.EncryptionContext = aes, "4111 ü", context
	made, err := maker.Encrypt(encrypt)
	Must(err)
	decrypt := kms.CreateDecryptRequest()
	decrypt.CiphertextBlob, decrypt.EncryptionContext = made.CiphertextBlob, context
	opened, err := opener.Decrypt(decrypt)
	Must(err)
	Check(opened.Plaintext == "4111 ü", opened)
	generate := kms.CreateGenerateDataKeyRequest()
	generate.KeyId = aes
	dataKey, err := maker.GenerateDataKey(generate)
	Must(err)
	decrypt = kms.CreateDecryptRequest()
	decrypt.CiphertextBlob = dataKey.CiphertextBlob
	opened, err = opener.Decrypt(decrypt)
	Must(err)
	Check(opened.Plaintext == dataKey.Plaintext, opened)
	digest := sha256.Sum256([]byte("message"))
	sign := kms.CreateAsymmetricSignRequest()
	sign.KeyId, sign.KeyVersionId = "key-hzz65f0c1a2sign000000", "00000002-1111-4000-8000-000000000001"
	sign.Algorithm, sign.Digest = "RSA_PSS_SHA_256", base64.StdEncoding.EncodeToString(digest[:])
	signed, err := maker.AsymmetricSign(sign)
	Must(err)
	verify := kms.CreateAsymmetricVerifyRequest()
	verify.KeyId, verify.KeyVersionId, verify.Algorithm, verify.Digest = sign.KeyId, sign.KeyVersionId, sign.Algorithm, sign.Digest
	verify.Value = signed.Value
	verified, err := opener.AsymmetricVerify(verify)
	Must(err)
	Check(verified.Value, verified)
}

func main() {
	id, secret := os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"), os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	shared, err := kms.NewClientWithAccessKey("cn-hangzhou", id, secret)
	Must(err)
	var client *sdk.KmsTransferClient
	for _, gateway := range Gateways {
		client, err = sdk.NewClientWithAccessKey("cn-hangzhou", id, secret, Config(gateway, "good"))
		Must(err)
		use(client, shared)
		use(shared, client)
		use(client, client)
	}
	Throttle("GetSecretValue")
	request := kms.CreateGetSecretValueRequest()
	request.SecretName = "db/password"
	answer, err := client.GetSecretValue(request)
	Must(err)
	Check(strings.Join(answer.VersionStages.VersionStage, "") == "ACSCurrent", answer)
	fmt.Println(answer.SecretData)
}
