package configs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxText bounds a text after its variables were replaced, and a secret's file.
const maxText = 64 << 10

// expand replaces ${NAME} by the environment's variable and ${file:PATH} by the
// content of a file, which only secrets may use. "$${" stands for "${". What
// comes from outside is not expanded again.
func (d *decoder) expand(text string, secret bool) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), nil
		}
		if literal, escaped := strings.CutSuffix(before, "$"); escaped {
			b.WriteString(literal + "${")
			text = after
			continue
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", wrong("has a ${ without }; expected ${NAME}, ${file:PATH}, or $${ where ${ itself is meant")
		}
		value, err := d.resolve(name, secret)
		if err != nil {
			return "", err
		}
		b.WriteString(before)
		b.WriteString(value)
		if b.Len() > maxText {
			return "", wrong("is longer than 64KiB once its variables are replaced; expected less")
		}
		text = rest
	}
}

func (d *decoder) resolve(name string, secret bool) (string, error) {
	if path, isFile := strings.CutPrefix(name, "file:"); isFile {
		if !secret {
			return "", wrong("reads a file; expected ${file:PATH} only where the value is a secret")
		}
		return readSecret(d.join(path))
	}
	if !isVariable(name) {
		return "", wrong("has a ${…} that names no variable; expected ${NAME}, ${file:PATH}, or $${ where ${ itself is meant")
	}
	value, set := d.env(name)
	if !set {
		return "", wrong("${" + name + "} is not set; expected a variable of the environment")
	}
	return value, nil
}

// isVariable keeps to capitals, so that part of a password that happens to hold
// "${" is not quoted as a variable's name.
func isVariable(name string) bool {
	const maxLen = 128
	if name == "" || len(name) > maxLen || onlyDigits(name[:1]) {
		return false
	}
	return strings.Trim(name, strings.ToUpper(lowerChars)+digitChars+"_") == ""
}

func readSecret(path string) (string, error) {
	// Opening a named pipe without O_NONBLOCK would wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", unreadable(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	const anyoneReads = 0o004
	switch {
	case err != nil:
		return "", unreadable(err)
	case !info.Mode().IsRegular():
		return "", wrong("names a secret that is no regular file; expected one")
	case info.Mode().Perm()&anyoneReads != 0:
		return "", wrong("names a file that everyone may read; expected mode 0600 or 0640")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxText+1))
	switch {
	case err != nil:
		return "", unreadable(err)
	case len(data) > maxText:
		return "", wrong("names a file that is larger than 64KiB; expected one secret")
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}

// unreadable gives the cause without the path.
func unreadable(err error) error {
	return wrong("names a file that cannot be read (" + cause(err) + "); expected one that this user may read")
}

func cause(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return "reading it failed"
}

// join makes a path start at the configuration file's folder.
func (d *decoder) join(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.dir, path)
}
