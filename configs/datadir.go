package configs

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// DataDir reads nothing but data_dir from a file, so that a command which only
// looks for the running edge needs none of the edge's secrets. The error is of
// type [Faults].
func DataDir(path string, env func(string) (string, bool)) (string, error) {
	data, faults := readFile(path)
	if faults != nil {
		return "", faults
	}
	root, folder, faults := open(path, data)
	if faults != nil {
		return "", faults
	}
	d := newDecoder(path, folder, env)
	var only struct {
		DataDir Path `key:"data_dir" default:"./data" required:"true"`
	}
	v := reflect.ValueOf(&only).Elem()
	d.fill(v)
	if root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			if root.Content[i].Value == "data_dir" {
				d.value(v.Field(0), root.Content[i+1], "data_dir", &fieldsOf(v.Type())[0])
			}
		}
	}
	if faults := d.finish(); len(faults) > 0 {
		return "", faults
	}
	return strings.TrimSpace(string(only.DataDir)), nil
}
