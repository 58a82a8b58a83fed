package configs

import (
	"io"
	"os"
	"path/filepath"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a configuration file.
const maxFile = 4 << 20

// Load reads and checks the file at path. env looks up variables, usually
// os.LookupEnv. The error is of type [Faults].
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	data, faults := readFile(path)
	if faults != nil {
		return nil, faults
	}
	return Parse(path, data, env)
}

func readFile(path string) ([]byte, Faults) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Faults{{File: path, Problem: "cannot be read (" + cause(err) + ")"}}
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, Faults{{File: path, Problem: "cannot be read (" + cause(err) + ")"}}
	}
	return data, nil
}

// open gives the document of a file, and the folder where its relative paths
// start.
func open(name string, data []byte) (*yaml.Node, string, Faults) {
	folder, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, "", Faults{{File: name, Problem: "its folder is not known (" + cause(err) + ")"}}
	}
	if len(data) > maxFile {
		return nil, "", Faults{{File: name, Problem: "is larger than 4 MiB; expected less"}}
	}
	root, fault := document(data)
	if fault != nil {
		fault.File = name
		return nil, "", Faults{*fault}
	}
	return root, folder, nil
}

// Parse is Load for a file that was read already. Relative paths in it start at
// the folder of name. A nil env has no variables.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	root, folder, faults := open(name, data)
	if faults != nil {
		return nil, faults
	}
	d := newDecoder(name, folder, env)
	cfg := &Config{}
	v := reflect.ValueOf(cfg).Elem()
	d.fill(v)
	d.value(v, root, "", &field{typ: v.Type()})
	cfg.derive()
	cfg.inherit(d)
	check(cfg, d)
	if faults := d.finish(); len(faults) > 0 {
		return nil, faults
	}
	return cfg, nil
}

// finish is the list of faults in the order of their lines.
func (d *decoder) finish() Faults {
	d.faults.sort()
	if d.dropped > 0 {
		d.faults = append(d.faults, Fault{File: d.file, Problem: "and " + plural(d.dropped, "more fault")})
	}
	return d.faults
}
