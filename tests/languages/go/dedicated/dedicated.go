// Package dedicated is what both programs need: the gateways of the mock that `kms-mock run` has started, faults, checks.
package dedicated

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/alibabacloud-go/tea/tea"
	openapi "github.com/aliyun/alibabacloud-dkms-gcs-go-sdk/openapi"
)

var mock = os.Getenv("KMS_MOCK_URL")

// Gateways are protocol and endpoint: the mock's own port in plain text and with TLS, and the real name by the proxy.
var Gateways = [][2]string{
	{"http", strings.TrimPrefix(mock, "http://")},
	{"https", strings.TrimPrefix(mock, "http://")},
	{"https", "kst-hzz65f0c1a2demo000000.cryptoservice.kms.aliyuncs.com"},
}

// Config returns the settings of a client with one of the client keys.
func Config(gateway [2]string, clientKey string) *openapi.Config {
	return &openapi.Config{
		Protocol:      tea.String(gateway[0]),
		Endpoint:      tea.String(gateway[1]),
		ClientKeyFile: tea.String(os.Getenv("CLIENT_KEYS") + "/" + clientKey + ".json"),
		Password:      tea.String("kms-mock-1"),
		CaFilePath:    tea.String(os.Getenv("KMS_MOCK_CA_FILE")),
	}
}

// Throttle asks for a fault that the client shall get over by trying again.
func Throttle(operation string) {
	fault := fmt.Sprintf(`{"operation": %q, "code": "Rejected.Throttling", "times": 1}`, operation)
	client := http.Client{Transport: &http.Transport{}}
	answer, err := client.Post(mock+"/_kms_mock/faults", "application/json", strings.NewReader(fault))
	Must(err)
	Check(answer.StatusCode == 200, answer.Status)
}

// Must ends the program with an error.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}

// Check ends the program unless something is so.
func Check(holds bool, what any) {
	if !holds {
		panic(fmt.Sprint(what))
	}
}

// Refused checks that a call was refused with this code.
func Refused(err error, code string) {
	Check(err != nil && strings.Contains(err.Error(), code), err)
}
