// Package servicestack declares what the generated Go names of the client library.
package servicestack

// The verbs.
const (
	HttpGet  = "GET"
	HttpPost = "POST"
	HttpPut  = "PUT"
)

// ResponseStatus says why a request was refused.
type ResponseStatus struct {
	ErrorCode string `json:"errorCode,omitempty"`
}
