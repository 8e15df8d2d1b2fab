// Command goclient uses the client that oapi-codegen generates from sede's
// OpenAPI document. Its arguments are the API's URL and a token. It prints the
// name of the location that it made and read back.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"sede.example/goclient/api"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: goclient URL TOKEN")
	}
	name, err := exercise(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(name)
}

func exercise(ctx context.Context, url, token string) (string, error) {
	signIn := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Accept", "application/json")
		return nil
	}
	client, err := api.NewClientWithResponses(url, api.WithRequestEditorFn(signIn),
		api.WithHTTPClient(&http.Client{Transport: bareMediaType{}}))
	if err != nil {
		return "", err
	}
	made, err := client.ApiLocationsPostWithResponse(ctx, nil, api.Location{Name: "Generated office"})
	if err != nil {
		return "", err
	}
	if made.JSON201 == nil {
		return "", fmt.Errorf("create: %s: %s", made.Status(), made.Body)
	}
	got, err := client.ApiLocationsIdGetWithResponse(ctx, made.JSON201.Id.String(), nil)
	if err != nil {
		return "", err
	}
	if got.JSON200 == nil {
		return "", fmt.Errorf("get: %s: %s", got.Status(), got.Body)
	}
	return got.JSON200.Name, nil
}

// bareMediaType cuts "; charset=utf-8" off the Content-Type of answers. API
// Platform sends it and so does sede, but where an operation answers in several
// formats the generated code compares the header with the bare media type.
type bareMediaType struct{}

func (bareMediaType) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		media, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
		answer.Header.Set("Content-Type", media)
	}
	return answer, err
}
