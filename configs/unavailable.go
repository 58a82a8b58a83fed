package configs

import (
	"reflect"
	"strings"
)

// later is a key of the contract whose feature this version does not have. It
// is read like any other, and refused unless it asks for nothing.
type later struct {
	path string // [] stands for any entry
}

// unavailable lists the keys of later versions. A feature that arrives deletes
// its line here.
func unavailable() []later {
	return []later{
		{path: "tenants[].sessions"},
		{path: "tenants[].masks"},
		{path: "tenants[].spend_day"},
		{path: "tenants[].regions"},
		{path: "api.tls"},
		{path: "api.limits.rps"},
		{path: "api.limits.body"},
		{path: "api.limits.auth_failures"},
		{path: "api.oidc"},
		{path: "api.webhooks"},
		{path: "observe.hep"},
	}
}

// expected says what this version has instead.
func (l *later) expected(def string) string {
	if def != "" {
		return def
	}
	return "no such key"
}

func (c *checker) unavailable() {
	root := reflect.ValueOf(c.Config).Elem()
	for _, l := range unavailable() {
		c.visit(root, "", strings.Split(l.path, "."), &l)
	}
}

// visit follows the rest of a key's path through sections and lists.
func (c *checker) visit(v reflect.Value, path string, rest []string, l *later) {
	key, each := strings.CutSuffix(rest[0], "[]")
	f := find(fieldsOf(v.Type()), key)
	value, path := v.FieldByIndex(f.index), under(path, key)
	switch {
	case !each && len(rest) == 1:
		c.refuse(value, path, f, l)
	case !each:
		c.visit(value, path, rest[1:], l)
	default:
		for i := range value.Len() {
			c.visit(value.Index(i), entry(path, i), rest[1:], l)
		}
	}
}

// refuse reports a key that asks for more than this version has; of a section,
// those of its keys that do.
func (c *checker) refuse(v reflect.Value, path string, f *field, l *later) {
	if c.isDefault(v, f) {
		return
	}
	if !f.section() || v.Kind() != reflect.Struct {
		c.fault(path, "is not available in this version; expected "+l.expected(c.defaultOf(f)))
		return
	}
	for _, inner := range fieldsOf(v.Type()) {
		c.refuse(v.FieldByIndex(inner.index), under(path, inner.key), &inner, l)
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
