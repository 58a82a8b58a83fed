package configs

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder reads nodes into a Config and goes on after each fault.
type decoder struct {
	file string
	dir  string // where relative paths start
	env  func(string) (string, bool)

	faults  Faults
	dropped int // faults beyond maxFaults
	entries int

	lines    map[string]int  // where each key that the file gives stands
	bad      map[string]bool // keys with a fault
	tainted  map[string]bool // those, and the sections that hold them
	defaults map[reflect.Type]reflect.Value
}

func newDecoder(file, dir string, env func(string) (string, bool)) *decoder {
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	return &decoder{
		file: file, dir: dir, env: env,
		lines: map[string]int{}, bad: map[string]bool{}, tainted: map[string]bool{},
		defaults: map[reflect.Type]reflect.Value{},
	}
}

func (d *decoder) fault(path string, line int, format string, args ...any) {
	d.taint(path)
	if d.full() {
		d.dropped++
		return
	}
	d.faults = append(d.faults, Fault{d.file, line, path, fmt.Sprintf(format, args...)})
}

func (d *decoder) full() bool { return len(d.faults) == maxFaults }

// taint marks a key and what holds it, so that checks which depend on them
// stay silent: one mistake is told once.
func (d *decoder) taint(path string) {
	d.bad[path] = true
	for path != "" && !d.tainted[path] {
		d.tainted[path] = true
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

// value reads a node into v, which holds the default already.
func (d *decoder) value(v reflect.Value, n *yaml.Node, path string, f *field) {
	if !d.ordinary(n, path, f) {
		return
	}
	t := v.Type()
	s, isScalar := scalarOf(t)
	switch {
	case isScalar && n.Kind == yaml.ScalarNode:
		d.scalar(v, n, path, f, s)
	case isScalar && t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode && len(fieldsOf(t)) > 0:
		d.fill(v) // the mapping stands instead of the scalar
		d.mapping(v, n, path)
	case t.Kind() == reflect.Slice:
		d.list(v, n, path, f)
	case t.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		d.table(v, n, path, f)
	case !isScalar && t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		d.mapping(v, n, path)
	default:
		d.fault(path, n.Line, "is %s; expected %s", shape(n), f.expected())
	}
}

// ordinary refuses what no value may be: nothing, an alias, an anchor, a tag.
func (d *decoder) ordinary(n *yaml.Node, path string, f *field) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.fault(path, n.Line, "has a YAML anchor or alias; expected the value itself")
	case n.Style&yaml.TaggedStyle != 0:
		d.fault(path, n.Line, "has a YAML tag; expected the value alone")
	case n.Kind == yaml.ScalarNode && n.Style == 0 && n.ShortTag() == "!!null":
		d.fault(path, n.Line, "has no value; expected %s, or no such key", f.expected())
	default:
		return true
	}
	return false
}

func shape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

func (d *decoder) mapping(v reflect.Value, n *yaml.Node, path string) {
	fields := fieldsOf(v.Type())
	seen := make(map[string]int, len(n.Content)/2)
	merged := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !d.key(key, path, seen) {
			merged = merged || key.ShortTag() == mergeTag
			continue
		}
		f := find(fields, key.Value)
		if f == nil {
			d.unknown(key, path, fields)
			continue
		}
		at := under(path, f.key)
		d.lines[at] = key.Line
		d.value(v.FieldByIndex(f.index), value, at, f)
	}
	for i := range fields {
		f := &fields[i]
		at := under(path, f.key)
		if _, given := seen[f.key]; !given && !merged && f.required && f.def == "" && !d.bad[at] {
			d.fault(at, n.Line, "is missing; expected %s", f.expected())
		}
	}
}

const mergeTag = "!!merge"

// key accepts a plain key that is given once.
func (d *decoder) key(key *yaml.Node, path string, seen map[string]int) bool {
	switch {
	case key.ShortTag() == mergeTag:
		d.fault(path, key.Line, "has a YAML merge key; expected the keys themselves")
		return false
	case key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0:
		d.fault(path, key.Line, "has a key that is no plain word; expected a word and a colon")
		return false
	}
	if first, repeated := seen[key.Value]; repeated {
		at := path
		if isKey(key.Value) {
			at = under(path, key.Value)
		}
		d.fault(at, key.Line, "is given twice, first on line %d; expected once", first)
		return false
	}
	seen[key.Value] = key.Line
	return true
}

func find(fields []field, key string) *field {
	for i := range fields {
		if fields[i].key == key {
			return &fields[i]
		}
	}
	return nil
}

func (d *decoder) unknown(key *yaml.Node, path string, fields []field) {
	if !isKey(key.Value) {
		d.fault(path, key.Line, "has an unknown key; expected %s", oneOf(keysOf(fields)))
		return
	}
	if !d.full() {
		if near := nearest(key.Value, keysOf(fields)); near != "" {
			d.taint(under(path, near))
			d.fault(under(path, key.Value), key.Line, "is an unknown key; did you mean %s?", near)
			return
		}
	}
	d.fault(under(path, key.Value), key.Line, "is an unknown key; expected %s", oneOf(keysOf(fields)))
}

// isKey reports whether a key looks like one and can be shown. Others may be
// anything, a number or a password in the wrong column included.
func isKey(key string) bool {
	const maxLen, maxDigits = 32, 2
	if key == "" || len(key) > maxLen || strings.Trim(key, letterChars+digitChars+"_") != "" {
		return false
	}
	return len(strings.Trim(key, letterChars+"_")) <= maxDigits
}

func under(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
