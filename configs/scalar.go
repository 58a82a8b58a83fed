package configs

import (
	"reflect"

	"go.yaml.in/yaml/v3"
)

// scalar reads one value. Its faults never hold the text.
func (d *decoder) scalar(v reflect.Value, n *yaml.Node, path string, f *field, s scalar) {
	text, err := d.expand(n.Value, s.secret)
	if err != nil {
		d.fault(path, n.Line, "%s", err.Error())
		return
	}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	switch {
	case text == "" && s.empty && !f.required:
		v.SetZero()
		return
	case text == "":
		d.fault(path, n.Line, "is empty; expected %s", f.expected())
		return
	case s.bare && quoted && text == n.Value:
		d.fault(path, n.Line, "is quoted; expected %s, without quotes", f.expected())
		return
	}
	value, err := s.parse(text)
	if err == nil {
		err = f.within(value, s)
	}
	if err != nil {
		d.fault(path, n.Line, "%s; expected %s", err.Error(), f.expected())
		return
	}
	if p, isPath := value.Interface().(Path); isPath {
		value = reflect.ValueOf(Path(d.join(string(p))))
	}
	v.Set(value)
}

// fill sets a section to its defaults. The lists in them are shared: nobody
// changes a Config.
func (d *decoder) fill(v reflect.Value) {
	t := v.Type()
	if t.Kind() != reflect.Struct {
		return
	}
	filled, known := d.defaults[t]
	if !known {
		filled = reflect.New(t).Elem()
		for _, f := range fieldsOf(t) {
			d.fillField(filled.FieldByIndex(f.index), &f)
		}
		d.defaults[t] = filled
	}
	v.Set(filled)
}

func (d *decoder) fillField(v reflect.Value, f *field) {
	s, isScalar := scalarOf(f.typ)
	switch {
	case len(s.choices) > 0:
		v.SetString(s.choices[0])
	case f.def == "" && !isScalar:
		d.fill(v)
	case f.def != "":
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(f.def), &doc); err != nil || len(doc.Content) == 0 {
			return // a test reads every default
		}
		defaults := newDecoder("", d.dir, nil)
		defaults.value(v, doc.Content[0], f.key, f)
	}
}
