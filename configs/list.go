package configs

import (
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// maxEntries bounds the entries of all lists together: an entry of a few
// characters can have the defaults of sixty keys.
const maxEntries = 20_000

// list reads a list of values or of sections.
func (d *decoder) list(v reflect.Value, n *yaml.Node, path string, f *field) {
	elem := v.Type().Elem()
	s, isScalar := scalarOf(elem)
	nodes := n.Content
	switch {
	case isScalar && n.Kind == yaml.ScalarNode:
		nodes = []*yaml.Node{n} // one value stands for a list of one
	case n.Kind != yaml.SequenceNode:
		d.fault(path, n.Line, "is %s; expected %s", shape(n), f.expected())
		return
	}
	if d.entries += len(nodes); d.entries > maxEntries {
		d.fault(path, n.Line, "has too many entries; expected at most %d in all lists together", maxEntries)
		return
	}
	if len(nodes) == 0 {
		v.SetZero()
		return
	}
	list := reflect.MakeSlice(v.Type(), len(nodes), len(nodes))
	entry := *f
	entry.typ = elem
	s.empty = false
	for i, node := range nodes {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = node.Line
		switch {
		case !isScalar:
			d.fill(list.Index(i))
			d.value(list.Index(i), node, at, &entry)
		case !d.ordinary(node, at, &entry):
		case node.Kind != yaml.ScalarNode:
			d.fault(at, node.Line, "is %s; expected %s", shape(node), entry.expected())
		default:
			d.scalar(list.Index(i), node, at, &entry, s)
		}
	}
	v.Set(list)
}

// tableKey says what a key of a mapping should be, where it is not.
func tableKey(list reflect.Type, key string) (what, expected string) {
	if list == reflect.TypeFor[[]Word]() {
		if parseCallingCode(key) != nil {
			return "calling code", "codes such as 44"
		}
		return "", ""
	}
	if _, err := parseCountry(key); err != nil {
		return "country", "ISO 3166 codes such as GB"
	}
	return "", ""
}

// table reads a mapping whose keys are the file's own. Keys that it leaves out
// keep their defaults.
func (d *decoder) table(v reflect.Value, n *yaml.Node, path string, f *field) {
	merged := reflect.MakeMap(v.Type())
	for _, key := range v.MapKeys() {
		merged.SetMapIndex(key, v.MapIndex(key))
	}
	seen := make(map[string]int, len(n.Content)/2)
	entry := *f
	entry.typ = v.Type().Elem()
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !d.key(key, path, seen) {
			continue
		}
		if what, expected := tableKey(entry.typ, key.Value); what != "" && key.Value != DefaultCountry {
			d.fault(path, key.Line, "has a key that is no %s; expected %s, or %s", what, expected, DefaultCountry)
			continue
		}
		at := under(path, key.Value)
		d.lines[at] = key.Line
		list := reflect.New(entry.typ).Elem()
		d.value(list, value, at, &entry)
		merged.SetMapIndex(reflect.ValueOf(key.Value), list)
	}
	v.Set(merged)
}
