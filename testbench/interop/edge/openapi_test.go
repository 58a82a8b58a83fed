//go:build peers

package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"maskline/testbench/script"
)

// A linter of others reads the document of a running edge without a complaint, and
// complains of each that is broken.
func TestAForeignLinterReadsTheDocument(t *testing.T) {
	b := newBed(t)
	b.start(settings{})
	status, text, err := b.edge.Get(t.Context(), "/v1/openapi.json")
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v", status, err)
	}
	if complaints := lint(t, text); complaints != "" {
		t.Errorf("it complains:\n%s", complaints)
	}
	for name, c := range map[string]struct{ from, to, rule string }{
		"a version that is none":       {`"openapi":"3.1.0"`, `"openapi":"3.1.0","swagger":2`, "struct"},
		"a reference to nothing":       {`#/components/schemas/Problem"`, `#/components/schemas/Nothing"`, "no-unresolved-refs"},
		"a type that is none":          {`"type":"string"`, `"type":"text"`, "struct"},
		"two operations of one name":   {`"operationId":"getSession"`, `"operationId":"listSessions"`, "operation-operationId-unique"},
		"a path without its parameter": {`"/v1/sessions/{id}"`, `"/v1/sessions/{other}"`, "path-parameters-defined"},
		"a keyword of a framework":     {`"pattern":`, `"patternDescription":"x","pattern":`, "struct"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := bytes.Replace(text, []byte(c.from), []byte(c.to), 1)
			if bytes.Equal(broken, text) || !json.Valid(broken) {
				t.Fatal("it is not broken")
			}
			if complaints := lint(t, broken); !strings.Contains(complaints, " "+c.rule+" ") {
				t.Errorf("no complaint of %s:\n%s", c.rule, complaints)
			}
		})
	}
	b.stop()
}

// lint returns what the linter says.
func lint(t *testing.T, document []byte) string {
	t.Helper()
	cmd, err := script.Node("..", "edge/openapi.js")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(document)
	var faults bytes.Buffer
	cmd.Stderr = &faults
	said, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if faults.Len() > 0 || (err != nil) != (len(said) > 0) {
		t.Fatalf("the linter is needed (testbench/interop/peers.sh): %v\n%s", err, faults.Bytes())
	}
	return string(said)
}
