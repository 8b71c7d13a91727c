package check

import (
	"encoding/json"
	"testing"

	"example.com/check/dtos"
)

// What the library asks of a request.
type request[R any] interface {
	CreateResponse() R
	HttpMethod() string
}

func TestARequestSaysHowItIsSent(t *testing.T) {
	var made request[dtos.GenerateTwoFactorAuthenticationKeyResponse] =
		dtos.GenerateTwoFactorAuthenticationKeyRequest{OrganisationId: "org_1"}
	text, err := json.Marshal(made)
	if err != nil || string(text) != `{"organisationId":"org_1"}` || made.HttpMethod() != "PUT" {
		t.Fatal(string(text), made.HttpMethod(), err)
	}
}
