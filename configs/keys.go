package configs

import (
	"reflect"
	"strings"
)

// Key is a key that a file may give.
type Key struct {
	Path     string // such as carriers[].smpp[].window; [] stands for any entry
	Type     string // as the reference names it
	Default  string // as it is written in a file; empty: none
	Required bool
	Live     bool // a reload applies it
	Later    bool // this version refuses all but its default
}

// Keys lists every key that has a value of its own, in the order of the sections.
func Keys() []Key {
	keys := keysUnder(reflect.TypeFor[Config](), "")
	for _, path := range unavailable() {
		for i := range keys {
			if k := &keys[i]; holdsKey(path, k.Path) || holdsKey(k.Path, path) {
				k.Later = true
			}
		}
	}
	return keys
}

// holdsKey reports whether a key is the outer one or one of those in it.
func holdsKey(outer, key string) bool {
	rest, found := strings.CutPrefix(key, outer)
	return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func keysUnder(t reflect.Type, path string) []Key {
	var keys []Key
	for _, f := range fieldsOf(t) {
		at := under(path, f.key)
		if f.section() {
			section := f.typ
			if section.Kind() == reflect.Slice {
				section, at = section.Elem(), at+"[]"
			}
			inner := keysUnder(section, at)
			if f.live && (f.whole || f.typ.Kind() != reflect.Slice) {
				for i := range inner {
					inner[i].Live = true
				}
			}
			keys = append(keys, inner...)
			continue
		}
		keys = append(keys, keyOf(&f, at))
	}
	return keys
}

func keyOf(f *field, path string) Key {
	k := Key{Path: path, Default: f.def, Required: f.required && f.def == "", Live: f.live}
	switch f.typ.Kind() {
	case reflect.Slice:
		s, _ := scalarOf(f.typ.Elem())
		k.Type = "list of " + s.kind
	case reflect.Map:
		k.Type = "lists of digits by country"
		if f.typ.Elem() == reflect.TypeFor[[]Word]() {
			k.Type = "lists of words by calling code"
		}
	default:
		s, _ := scalarOf(f.typ)
		k.Type = s.kind
		if len(s.choices) > 0 {
			k.Default = s.choices[0]
		}
	}
	return k
}
