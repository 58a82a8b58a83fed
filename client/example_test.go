package client_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"maskline/client"
)

var (
	shownCode = regexp.MustCompile("(?s)<!-- go -->\n```go\n(.*?)```")
	ownCode   = regexp.MustCompile(`(?s)\nfunc order\(.*?\) error \{\n(.*?)\treturn nil\n\}\n`)
)

// order is the code of docs/clients.md, which compiles here.
func order(ctx context.Context, customer, driver string, serviceDesk func(string) error, tell func(whom, mask string)) error {
	edge, err := client.New(client.Config{URL: os.Getenv("MASKLINE_API"), Key: os.Getenv("MASKLINE_KEY"), Timeout: 3 * time.Second})
	if err != nil {
		return err
	}
	session, err := edge.CreateSession(ctx, &client.SessionRequest{
		Pool: "uk", Participants: []client.Person{{Number: customer}, {Number: driver}},
	}, client.IdempotencyKey("order-4711"))
	switch {
	case errors.Is(err, client.ErrUnavailable):
		return serviceDesk(customer) // go on without a mask
	case client.CodeOf(err) == "pool-exhausted":
		return serviceDesk(customer)
	case err != nil:
		return err // the request is wrong
	}
	tell(customer, session.Participants[0].Dial)
	return nil
}

func TestTheCodeOfTheGuideCompiles(t *testing.T) {
	page, err := os.ReadFile("../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	shown, own := shownCode.FindSubmatch(page), ownCode.FindSubmatch(source)
	if shown == nil || own == nil || strings.TrimSpace(string(shown[1])) != strings.TrimSpace(strings.ReplaceAll("\n"+string(own[1]), "\n\t", "\n")) {
		t.Error("docs/clients.md shows other code than order")
	}
	t.Setenv("MASKLINE_API", "http://127.0.0.1:1") // nobody listens
	t.Setenv("MASKLINE_KEY", "sk_live_0")
	desk := ""
	if err := order(t.Context(), "a", "b", func(whom string) error { desk = whom; return nil }, func(string, string) { t.Error("a mask was told") }); err != nil || desk != "a" {
		t.Errorf("desk of %q, %v", desk, err)
	}
}
