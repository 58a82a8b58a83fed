package configs

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
)

// Changes is what a reload does with a changed file.
type Changes struct {
	Applied []string // keys that take effect while the edge runs
	Restart []string // changed keys that take effect at the next start
}

// Merge says what of next takes effect while an edge runs with running. The
// configuration that it returns is running with those keys of next, and is what
// to compare with at the next reload. Neither argument is changed.
//
// An entry of a list whose identity is another one is left as it was as a whole:
// a new password never meets an old address.
func Merge(running, next *Config) (*Config, Changes) {
	m := merger{running: running}
	merged := *running
	m.section(reflect.ValueOf(&merged).Elem(), reflect.ValueOf(next).Elem(), "")
	return &merged, m.changes
}

type merger struct {
	running *Config
	changes Changes
}

func (m *merger) section(v, next reflect.Value, path string) {
	for _, f := range fieldsOf(v.Type()) {
		mine, other, at := v.FieldByIndex(f.index), next.FieldByIndex(f.index), under(path, f.key)
		switch {
		case reflect.DeepEqual(mine.Interface(), other.Interface()):
		case f.section() && mine.Kind() == reflect.Slice && !f.whole:
			mine.Set(m.list(mine, other, at, f.live))
		case f.live && m.open(f.typ):
			mine.Set(other)
			m.changes.Applied = append(m.changes.Applied, at)
		case f.section() && !f.whole:
			m.section(mine, other, at)
		default:
			m.changes.Restart = append(m.changes.Restart, at)
		}
	}
}

// list merges the entries of a list by their names. Where open is set, entries
// may come and go.
func (m *merger) list(mine, next reflect.Value, path string, open bool) reflect.Value {
	merged := reflect.MakeSlice(mine.Type(), 0, mine.Len())
	var names []string
	for i := range mine.Len() {
		entry := reflect.New(mine.Type().Elem()).Elem()
		entry.Set(mine.Index(i))
		name := nameOf(entry, i)
		names = append(names, name)
		at := fmt.Sprintf("%s[%s]", path, name)
		switch other := findEntry(next, name); {
		case !other.IsValid() && open && m.removable(entry):
			m.changes.Applied = append(m.changes.Applied, at+" (removed)")
			continue
		case !other.IsValid():
			m.changes.Restart = append(m.changes.Restart, at+" (removed)")
		case identityOf(entry) != identityOf(other):
			m.changes.Restart = append(m.changes.Restart, at)
		default:
			m.section(entry, other, at)
		}
		merged = reflect.Append(merged, entry)
	}
	for i := range next.Len() {
		entry := next.Index(i)
		name := nameOf(entry, i)
		if slices.Contains(names, name) {
			continue
		}
		at := fmt.Sprintf("%s[%s] (added)", path, name)
		if !open || !m.ready(entry) {
			m.changes.Restart = append(m.changes.Restart, at)
			continue
		}
		m.changes.Applied = append(m.changes.Applied, at)
		merged = reflect.Append(merged, entry)
	}
	return merged
}

// nameOf is what an entry is known by in its list; where that is nothing, its
// place.
func nameOf(entry reflect.Value, place int) string {
	switch e := entry.Interface().(type) {
	case Account:
		return e.SystemID
	case Carrier:
		return string(e.Name)
	case Tenant:
		return string(e.Name)
	case Trunk:
		return cmp.Or(string(e.Name), fmt.Sprint(place))
	case Peer:
		return cmp.Or(string(e.Name), fmt.Sprint(place))
	default:
		return fmt.Sprint(place)
	}
}

// identityOf is what must not change within an entry, or it is another one.
func identityOf(entry reflect.Value) string {
	switch e := entry.Interface().(type) {
	case Account:
		return fmt.Sprint(e.Tenant, "/", e.Carrier, "/", e.Country)
	case SMPPListen:
		return e.Addr.String()
	case Bind:
		return e.Addr.String()
	default:
		return ""
	}
}

func findEntry(list reflect.Value, name string) reflect.Value {
	for i := range list.Len() {
		if nameOf(list.Index(i), i) == name {
			return list.Index(i)
		}
	}
	return reflect.Value{}
}

// open reports whether a list of this type can be taken in: trunks where there is
// a listener to reach them from.
func (m *merger) open(list reflect.Type) bool {
	trunks := list == reflect.TypeFor[[]Trunk]() || list == reflect.TypeFor[[]Peer]()
	return !trunks || len(m.running.SIP.Listen) > 0
}

// removable reports whether nothing in the running edge needs an entry: a carrier
// stays as long as it is reached by SMPP, or takes the emergency calls.
func (m *merger) removable(entry reflect.Value) bool {
	c, isCarrier := entry.Interface().(Carrier)
	if !isCarrier {
		return true
	}
	return len(c.SMPP) == 0 && m.running.Routing.Emergency.Trunk != c.Name &&
		!slices.ContainsFunc(m.running.SMPP.Accounts, func(a Account) bool { return a.Carrier == c.Name })
}

// ready reports whether a new entry finds what it refers to in the running
// edge: an account of a carrier needs one that is reached by SMPP already, and no
// carrier is reached by SMPP before the next start.
func (m *merger) ready(entry reflect.Value) bool {
	if c, isCarrier := entry.Interface().(Carrier); isCarrier {
		return len(c.SMPP) == 0 && (len(c.SIP) == 0 || len(m.running.SIP.Listen) > 0)
	}
	a, isAccount := entry.Interface().(Account)
	if !isAccount || a.Carrier == "" {
		return true
	}
	for i := range m.running.Carriers {
		if c := &m.running.Carriers[i]; c.Name == a.Carrier && len(c.SMPP) > 0 {
			return true
		}
	}
	return slices.ContainsFunc(m.running.SMPP.Accounts, func(b Account) bool { return b.Carrier == a.Carrier })
}
