package sessions

import "maskline/numberdb"

// together knows which rows the works of a group touch: no row is touched twice,
// since the order within a transaction is that of keys.
type together struct {
	rows     int
	bindings map[numberdb.BindingKey]struct{}
	sessions map[numberdb.ID]struct{}
	attempts map[numberdb.AttemptKey]struct{}
	stock    bool // pools, masks or tenants: alone of its kind
}

func newTogether() *together {
	return &together{
		bindings: map[numberdb.BindingKey]struct{}{}, sessions: map[numberdb.ID]struct{}{},
		attempts: map[numberdb.AttemptKey]struct{}{},
	}
}

// clear makes it as new.
func (t *together) clear() {
	clear(t.bindings)
	clear(t.sessions)
	clear(t.attempts)
	t.rows, t.stock = 0, false
}

// meets tells whether the writes touch what the group touches.
func (t *together) meets(w *numberdb.Writes) bool {
	if t.stock && stock(w) {
		return true
	}
	for i := range w.Bindings {
		if _, touched := t.bindings[w.Bindings[i].Binding.Key()]; touched {
			return true
		}
	}
	for i := range w.Claims {
		if _, touched := t.bindings[w.Claims[i].Key()]; touched {
			return true
		}
	}
	for i := range w.Sessions {
		if _, touched := t.sessions[w.Sessions[i].ID]; touched {
			return true
		}
	}
	for _, id := range w.Gone.Sessions {
		if _, touched := t.sessions[id]; touched {
			return true
		}
	}
	for i := range w.Attempts {
		if _, touched := t.attempts[numberdb.AttemptKey{Tenant: w.Attempts[i].Tenant, Key: w.Attempts[i].Key}]; touched {
			return true
		}
	}
	return false
}

// put takes the writes in.
func (t *together) put(w *numberdb.Writes) {
	for i := range w.Bindings {
		t.bindings[w.Bindings[i].Binding.Key()] = struct{}{}
	}
	for i := range w.Claims {
		t.bindings[w.Claims[i].Key()] = struct{}{}
	}
	for i := range w.Sessions {
		t.sessions[w.Sessions[i].ID] = struct{}{}
	}
	for _, id := range w.Gone.Sessions {
		t.sessions[id] = struct{}{}
	}
	for i := range w.Attempts {
		t.attempts[numberdb.AttemptKey{Tenant: w.Attempts[i].Tenant, Key: w.Attempts[i].Key}] = struct{}{}
	}
	t.stock = t.stock || stock(w)
	t.rows += len(w.Bindings) + len(w.Claims) + len(w.Replaced) + len(w.Sessions) + len(w.Attempts) + len(w.Masks) + len(w.Shelved) + len(w.Pools) +
		len(w.Outbox) + len(w.Expired) + len(w.Consents) + len(w.Audit)
}

func stock(w *numberdb.Writes) bool {
	return len(w.Pools)+len(w.Masks)+len(w.Shelved)+len(w.Tenants)+len(w.Events)+len(w.Gone.Pools) > 0
}
