package configs

import (
	"cmp"
	"reflect"
	"strings"
)

// unavailable lists the keys of the contract whose features this version does not
// have; [] stands for any entry. They are read like any other, and refused unless
// they ask for nothing. A feature that arrives deletes its line here.
func unavailable() []string {
	return []string{
		"observe.hep",
	}
}

func (c *checker) unavailable() {
	root := reflect.ValueOf(c.Config).Elem()
	for _, path := range unavailable() {
		c.visit(root, "", strings.Split(path, "."))
	}
}

// visit follows the rest of a key's path through sections and lists.
func (c *checker) visit(v reflect.Value, path string, rest []string) {
	key, each := strings.CutSuffix(rest[0], "[]")
	f := find(fieldsOf(v.Type()), key)
	value, path := v.FieldByIndex(f.index), under(path, key)
	switch {
	case !each && len(rest) == 1:
		c.refuse(value, path, f)
	case !each:
		c.visit(value, path, rest[1:])
	default:
		for i := range value.Len() {
			c.visit(value.Index(i), entry(path, i), rest[1:])
		}
	}
}

// refuse reports a key that asks for more than this version has; of a section,
// those of its keys that do.
func (c *checker) refuse(v reflect.Value, path string, f *field) {
	if c.isDefault(v, f) {
		return
	}
	if !f.section() || v.Kind() != reflect.Struct {
		c.fault(path, "is not available in this version; expected "+cmp.Or(c.defaultOf(f), "no such key"))
		return
	}
	for _, inner := range fieldsOf(v.Type()) {
		c.refuse(v.FieldByIndex(inner.index), under(path, inner.key), &inner)
	}
}

// isDefault reports whether a value asks for no more than its default; entries
// of a list may hold nothing but defaults.
func (c *checker) isDefault(v reflect.Value, f *field) bool {
	want := reflect.New(v.Type()).Elem()
	c.d.fillField(want, f)
	if reflect.DeepEqual(v.Interface(), want.Interface()) {
		return true
	}
	if v.Kind() != reflect.Slice {
		return false
	}
	for i := range v.Len() {
		empty := reflect.New(v.Type().Elem()).Elem()
		c.d.fill(empty)
		if !reflect.DeepEqual(v.Index(i).Interface(), empty.Interface()) {
			return false
		}
	}
	return true
}

// defaultOf is the default as text; empty for sections and for none.
func (c *checker) defaultOf(f *field) string {
	v := reflect.New(f.typ).Elem()
	c.d.fillField(v, f)
	if s, isScalar := scalarOf(f.typ); isScalar {
		return s.format(v)
	}
	return ""
}
