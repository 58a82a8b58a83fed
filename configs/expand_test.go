package configs

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestVariables(t *testing.T) {
	env := func(name string) (string, bool) {
		v, set := map[string]string{"NAME": "edge", "N": "7", "EMPTY": "", "RAW": "${NAME}", "BIG": strings.Repeat("x", 40<<10)}[name]
		return v, set
	}
	cases := []struct{ name, in, want, wrong string }{
		{"whole", "${NAME}", "edge", ""},
		{"part", "a-${NAME}-${N}", "a-edge-7", ""},
		{"set but empty", "a${EMPTY}b", "ab", ""},
		{"escaped", "$${NAME}", "${NAME}", ""},
		{"dollar before an escape", "$$${NAME}", "$${NAME}", ""},
		{"dollars alone", "$ $$ $NAME }{", "$ $$ $NAME }{", ""},
		{"not expanded twice", "${RAW}", "${NAME}", ""},
		{"unset", "${OTHER}", "", "${OTHER} is not set; expected a variable of the environment"},
		{"open", "a${NAME", "", "has a ${ without }; expected ${NAME}, ${file:PATH}, or $${ where ${ itself is meant"},
		{"no name", "${}", "", "has a ${…} that names no variable; expected ${NAME}, ${file:PATH}, or $${ where ${ itself is meant"},
		{"digit first", "${1A}", "", "has a ${…} that names no variable; expected ${NAME}, ${file:PATH}, or $${ where ${ itself is meant"},
		{"small letters", "${name}", "", "has a ${…} that names no variable; expected ${NAME}, ${file:PATH}, or $${ where ${ itself is meant"},
		{"too long", "${BIG}${BIG}", "", "is longer than 64KiB once its variables are replaced; expected less"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := newDecoder("", "", env).expand(c.in, false)
			switch {
			case c.wrong != "":
				if err == nil || err.Error() != c.wrong {
					t.Fatalf("fault %v, want %q", err, c.wrong)
				}
			case err != nil || got != c.want:
				t.Fatalf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestVariablesCannotAddKeys(t *testing.T) {
	env := func(string) (string, bool) { return "a\nlog: {level: debug}", true }
	wantFault(t, faultsOf(t, "data_dir: ${X}\n", env), "test.yaml:1: data_dir: holds a control character; expected a path")
}

func TestNumbersFromVariables(t *testing.T) {
	cfg, err := Parse("test.yaml", []byte(`smpp: {auth: {failures: "${N}"}}`), func(string) (string, bool) { return "7", true })
	if err != nil || cfg.SMPP.Auth.Failures != 7 {
		t.Fatal(err)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
	}
	write("plain", "hunter2", 0o600)
	write("newline", "hunter2\n", 0o640)
	write("crlf", "hunter2\r\n", 0o400)
	write("open", "hunter2", 0o644)
	write("large", strings.Repeat("x", maxText+1), 0o600)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, path, wrong string }{
		{"relative to the configuration", "plain", ""},
		{"absolute", filepath.Join(dir, "plain"), ""},
		{"one newline is trimmed", "newline", ""},
		{"carriage return too", "crlf", ""},
		{"readable by everyone", "open", "names a file that everyone may read; expected mode 0600 or 0640"},
		{"absent", "none", "names a file that cannot be read (no such file or directory); expected one that this user may read"},
		{"folder", ".", "names a secret that is no regular file; expected one"},
		{"pipe", "pipe", "names a secret that is no regular file; expected one"},
		{"too large", "large", "names a file that is larger than 64KiB; expected one secret"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := `carriers: [{name: alfa, smpp: [{addr: 127.0.0.1:2776, system_id: a, password: "${file:` + c.path + `}"}]}]`
			cfg, err := Parse(filepath.Join(dir, "test.yaml"), []byte(text), nil)
			if c.wrong != "" {
				wantFault(t, err, filepath.Join(dir, "test.yaml")+":1: carriers[0].smpp[0].password: "+c.wrong)
				return
			}
			if err != nil || cfg.Carriers[0].SMPP[0].Password.Reveal() != "hunter2" {
				t.Fatalf("%v", err)
			}
		})
	}
}
