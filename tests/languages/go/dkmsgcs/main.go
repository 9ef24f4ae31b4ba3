// Uses every operation of a KMS instance's gateway, over HTTP and HTTPS: alibabacloud-dkms-gcs-go-sdk.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/alibabacloud-go/tea/tea"
	util "github.com/aliyun/alibabacloud-dkms-gcs-go-sdk/openapi-util"
	sdk "github.com/aliyun/alibabacloud-dkms-gcs-go-sdk/sdk"

	. "kms-mock/programs/dedicated"
)

var (
	aes, opener = tea.String("key-hzz65f0c1a2aes0000000"), tea.String("key-hzz65f0c1a2open000000")
	text, aad   = []byte("4111 1111 \x00\xff"), []byte("context")
	version     = "x-kms-migrationkeyversionid"
)

func ciphers(client *sdk.Client) {
	options := &util.RuntimeOptions{Headers: []*string{tea.String(version)}}
	made, err := client.EncryptWithOptions(&sdk.EncryptRequest{KeyId: aes, Plaintext: text, Aad: aad}, options)
	Must(err)
	id := made.Headers[version]
	Check(tea.StringValue(id) == "00000001-1111-4000-8000-000000000001", made.Headers) // the initial version
	request := &sdk.DecryptRequest{KeyId: aes, CiphertextBlob: made.CiphertextBlob, Iv: made.Iv, Aad: aad}
	opened, err := client.Decrypt(request)
	Must(err)
	Check(bytes.Equal(opened.Plaintext, text), opened)
	request.KeyId, request.Headers = nil, map[string]*string{version: id}
	opened, err = client.Decrypt(request)
	Must(err)
	Check(bytes.Equal(opened.Plaintext, text), opened)
	request.Aad = []byte("x")
	_, err = client.Decrypt(request)
	Refused(err, "InvalidParameter")
	advanced, err := client.AdvanceEncrypt(&sdk.AdvanceEncryptRequest{KeyId: aes, Plaintext: text, Aad: aad})
	Must(err)
	Check(tea.StringValue(advanced.KeyVersionId) == "00000001-1111-4000-8000-000000000002", advanced) // the primary one
	plain, err := client.AdvanceDecrypt(&sdk.AdvanceDecryptRequest{CiphertextBlob: advanced.CiphertextBlob, Aad: aad})
	Must(err)
	Check(bytes.Equal(plain.Plaintext, text), plain)
	oaep := tea.String("RSAES_OAEP_SHA_256")
	made, err = client.Encrypt(&sdk.EncryptRequest{KeyId: opener, Plaintext: text, Algorithm: oaep})
	Must(err)
	opened, err = client.Decrypt(&sdk.DecryptRequest{KeyId: opener, CiphertextBlob: made.CiphertextBlob, Algorithm: oaep})
	Must(err)
	Check(bytes.Equal(opened.Plaintext, text), opened)
}

func dataKeys(client *sdk.Client) {
	made, err := client.GenerateDataKey(&sdk.GenerateDataKeyRequest{KeyId: aes, NumberOfBytes: tea.Int32(16)})
	Must(err)
	opened, err := client.Decrypt(&sdk.DecryptRequest{KeyId: aes, CiphertextBlob: made.CiphertextBlob, Iv: made.Iv})
	Must(err)
	Check(len(made.Plaintext) == 16 && bytes.Equal(opened.Plaintext, made.Plaintext), made)
	advanced, err := client.AdvanceGenerateDataKey(&sdk.AdvanceGenerateDataKeyRequest{KeyId: aes, NumberOfBytes: tea.Int32(32)})
	Must(err)
	plain, err := client.AdvanceDecrypt(&sdk.AdvanceDecryptRequest{CiphertextBlob: advanced.CiphertextBlob})
	Must(err)
	Check(bytes.Equal(plain.Plaintext, advanced.Plaintext), advanced)
	spec, pem := tea.String("EC_P256"), tea.String("PEM")
	pair, err := client.GenerateDataKeyPair(&sdk.GenerateDataKeyPairRequest{KeyId: aes, KeyPairSpec: spec, KeyFormat: pem})
	Must(err)
	opened, err = client.Decrypt(&sdk.DecryptRequest{KeyId: aes, CiphertextBlob: pair.PrivateKeyCiphertextBlob, Iv: pair.Iv})
	Must(err)
	Check(bytes.Equal(opened.Plaintext, pair.PrivateKeyPlaintext), pair)
	_, err = client.GenerateDataKeyPairWithoutPlaintext(
		&sdk.GenerateDataKeyPairWithoutPlaintextRequest{KeyId: aes, KeyPairSpec: spec, KeyFormat: pem})
	Must(err)
	advancedPair, err := client.AdvanceGenerateDataKeyPair(
		&sdk.AdvanceGenerateDataKeyPairRequest{KeyId: aes, KeyPairSpec: spec, KeyFormat: pem})
	Must(err)
	plain, err = client.AdvanceDecrypt(&sdk.AdvanceDecryptRequest{CiphertextBlob: advancedPair.PrivateKeyCiphertextBlob})
	Must(err)
	Check(bytes.Equal(plain.Plaintext, advancedPair.PrivateKeyPlaintext), advancedPair)
	_, err = client.AdvanceGenerateDataKeyPairWithoutPlaintext(
		&sdk.AdvanceGenerateDataKeyPairWithoutPlaintextRequest{KeyId: aes, KeyPairSpec: spec, KeyFormat: pem})
	Must(err)
}

func signatures(client *sdk.Client) {
	digest := sha256.Sum256(text)
	for id, algorithm := range map[string]string{
		"key-hzz65f0c1a2sign000000": "RSA_PSS_SHA_256",
		"key-hzz65f0c1a2ecc0000000": "ECDSA_SHA_256",
	} {
		key, name := tea.String(id), tea.String(algorithm)
		signed, err := client.Sign(
			&sdk.SignRequest{KeyId: key, Algorithm: name, Message: text, MessageType: tea.String("RAW")})
		Must(err)
		verified, err := client.Verify(&sdk.VerifyRequest{
			KeyId: key, Algorithm: name, Message: digest[:], MessageType: tea.String("DIGEST"), Signature: signed.Signature})
		Must(err)
		Check(tea.BoolValue(verified.Value), verified)
		verified, err = client.Verify(&sdk.VerifyRequest{
			KeyId: key, Algorithm: name, Message: aad, MessageType: tea.String("RAW"), Signature: signed.Signature})
		Must(err)
		Check(!tea.BoolValue(verified.Value), verified)
		public, err := client.GetPublicKey(&sdk.GetPublicKeyRequest{KeyId: key})
		Must(err)
		Check(len(tea.StringValue(public.PublicKey)) > 100, public)
	}
}

func main() {
	var client *sdk.Client
	var err error
	random := &sdk.GenerateRandomRequest{Length: tea.Int32(8)}
	for _, gateway := range Gateways {
		client, err = sdk.NewClient(Config(gateway, "good"))
		Must(err)
		ciphers(client)
		dataKeys(client)
		signatures(client)
		for clientKey, code := range map[string]string{
			"expired": "Forbidden.AccessKey", "wrong": "SignatureNotMatch", "unknown": "Unauthorized",
		} {
			refused, err := sdk.NewClient(Config(gateway, clientKey))
			Must(err)
			_, err = refused.GenerateRandom(random)
			Refused(err, code)
		}
	}
	Throttle("GenerateRandom")
	made, err := client.GenerateRandom(random)
	Must(err)
	Check(len(made.Random) == 8, made)
	answer, err := client.GetSecretValue(&sdk.GetSecretValueRequest{SecretName: tea.String("db/password")})
	Must(err)
	fmt.Println(tea.StringValue(answer.SecretData))
}
