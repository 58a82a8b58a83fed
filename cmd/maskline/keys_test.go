package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// refusesAll runs commands that open the store; each has to end with one line.
func refusesAll(t *testing.T, c *cli, want string) {
	t.Helper()
	for _, args := range [][]string{
		{"serve", "--config", "edge.yaml"},
		{"migrate", "--config", "edge.yaml"},
		{"routes", "export", "--config", "edge.yaml"},
		{"routes", "import", "routes.csv", "--config", "edge.yaml"},
		{"blocks", "list", "--config", "edge.yaml"},
	} {
		code, out, errs := c.run(args...)
		if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d, %q, %s", args, code, out, errs)
		}
	}
}

func TestAnotherKeyFile(t *testing.T) {
	c := newCLI(t)
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	before, err := os.ReadFile(c.path("data/master.key"))
	if err != nil {
		t.Fatalf("no key file was made: %v", err)
	}
	other := "maskline key v1\n" + strings.Repeat("5", 64) + "\n"
	c.write("data/master.key", other)
	refusesAll(t, c, "another key")
	if now, err := os.ReadFile(c.path("data/master.key")); err != nil || string(now) != other {
		t.Error("the key file was changed")
	}
	if err := os.Remove(c.path("data/master.key")); err != nil {
		t.Fatal(err)
	}
	refusesAll(t, c, "the key file is missing")
	if _, err := os.Stat(c.path("data/master.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key file was made for a store that has a key: %v", err)
	}
	if err := os.WriteFile(c.path("data/master.key"), before, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := c.ok("routes", "export", "--config", "edge.yaml"); strings.Count(out, "\n") != 3 {
		t.Errorf("exported with the right key: %q", out)
	}
}

const kms = `#!/bin/sh
echo "hunter2" >&2
case "$1 $2" in
"%[key] wrap") printf '%[key]'; tr 'a-y' 'b-z';;
"%[key] unwrap") [ "$(dd bs=1 count=2 status=none)" = '%[key]' ] || exit 7; tr 'b-z' 'a-y';;
*) exit 2;;
esac
`

func TestKMSCommand(t *testing.T) {
	c := newCLI(t)
	c.write("edge.yaml", testConfig+"secrets: {kms_command: ["+c.path("kms")+", k1]}\n")
	write := func(key string) {
		c.write("kms", strings.ReplaceAll(kms, "%[key]", key))
		if err := os.Chmod(c.path("kms"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("k1")
	c.ok("migrate", "--config", "edge.yaml")
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	want := c.ok("routes", "export", "--config", "edge.yaml")
	data, err := os.ReadFile(c.path("data/maskline.db"))
	if err != nil || bytes.Contains(data, []byte("447700900")) || !bytes.Contains(data, []byte("k1")) {
		t.Errorf("a number in the file, or no data key that the command wrapped: %v", err)
	}
	if _, err := os.Stat(c.path("data/master.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key file was made beside: %v", err)
	}
	write("k2")
	c.write("edge.yaml", testConfig+"secrets: {kms_command: ["+c.path("kms")+", k2]}\n")
	refusesAll(t, c, "the kms command failed; run it by hand to see why (exit code 7)")
	c.write("edge.yaml", testConfig)
	c.write("data/master.key", "maskline key v1\n"+strings.Repeat("5", 64)+"\n")
	refusesAll(t, c, "another key")
	write("k1")
	c.write("edge.yaml", testConfig+"secrets: {kms_command: ["+c.path("kms")+", k1]}\n")
	if out := c.ok("routes", "export", "--config", "edge.yaml"); out != want {
		t.Errorf("exported %q", out)
	}
}
