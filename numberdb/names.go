package numberdb

import (
	"strings"
	"sync"
	"sync/atomic"
)

// names gives each distinct string a small number, so that the table's records
// hold no pointers. Index 0 is "". Readers take no lock. Names are never
// forgotten: there are as many as endpoints, tenants and lists were ever used.
type names struct {
	byIndex atomic.Pointer[[]string]
	write   sync.Mutex
	indexOf map[string]uint32
}

func (n *names) at(index uint32) string {
	if index == 0 {
		return ""
	}
	return (*n.byIndex.Load())[index]
}

func (n *names) index(s string) uint32 {
	if s == "" {
		return 0
	}
	n.write.Lock()
	defer n.write.Unlock()
	if i, ok := n.indexOf[s]; ok {
		return i
	}
	if n.indexOf == nil {
		n.indexOf = map[string]uint32{}
	}
	all := []string{""}
	if old := n.byIndex.Load(); old != nil {
		all = *old
	}
	// Readers of the old slice never look beyond its length, so appending in
	// place is safe.
	all = append(all, s)
	i := uint32(len(all) - 1)
	n.indexOf[s] = i
	n.byIndex.Store(&all)
	return i
}

// lists is names for lists of carriers.
type lists struct {
	names   names
	byIndex atomic.Pointer[[][]string]
	write   sync.Mutex
}

func (l *lists) at(index uint32) []string {
	if index == 0 {
		return nil
	}
	return (*l.byIndex.Load())[index]
}

func (l *lists) index(list []string) uint32 {
	if len(list) == 0 {
		return 0
	}
	l.write.Lock()
	defer l.write.Unlock()
	i := l.names.index(strings.Join(list, "|"))
	all := [][]string{nil}
	if old := l.byIndex.Load(); old != nil {
		all = *old
	}
	if int(i) == len(all) {
		all = append(all, append([]string(nil), list...))
		l.byIndex.Store(&all)
	}
	return i
}
