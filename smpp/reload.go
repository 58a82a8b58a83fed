package smpp

import (
	"crypto/tls"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"maskline/tlsfile"
)

// errFixed is a reload that asks for what only a restart can do.
var errFixed = errors.New("listeners, carriers and their addresses are fixed while the edge runs")

// changes is a reload made ready: nothing in it can fail any more.
type changes struct {
	accounts  *accounts
	gone      []*account
	listeners []*tls.Config // by index of Config.Listen
	logins    map[string][]*login
	rates     map[string]int // of carriers, segments per second
}

// Reload applies what may change while binds stand: accounts, what we bind to
// carriers with, their rates, and every certificate file, which is read again. The rest of
// cfg has to be what the edge runs with, but for carriers without binds, which
// may be left out. It returns what the files changed, in
// words; with an error nothing was changed.
//
// Standing binds stay: a new password or allow-list counts at the next bind, a
// new rate at once. Binds of accounts that are gone are unbound once what they
// have in flight is finished.
func (e *Edge) Reload(cfg Config) ([]string, error) {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("smpp: %w", err)
	}
	next, err := e.prepare(&cfg)
	if err != nil {
		return nil, fmt.Errorf("smpp: %w", err)
	}
	return e.commit(&cfg, next), nil
}

func (e *Edge) prepare(cfg *Config) (*changes, error) {
	next := &changes{logins: map[string][]*login{}, rates: map[string]int{}}
	if len(cfg.Listen) != len(e.cfg.Listen) {
		return nil, errFixed
	}
	for i, l := range cfg.Listen {
		if l.Addr != e.cfg.Listen[i].Addr {
			return nil, errFixed
		}
		secured, err := l.TLS.load()
		if err != nil {
			return nil, fmt.Errorf("listener %s: %w", l.Addr, err)
		}
		next.listeners = append(next.listeners, secured)
	}
	for i := range cfg.Carriers {
		if err := next.loginsOf(&cfg.Carriers[i], e.carriers[cfg.Carriers[i].Name]); err != nil {
			return nil, err
		}
	}
	for name, c := range e.carriers { // one without binds may have lost its last account
		if len(c.cfg.Binds) != len(next.logins[name]) {
			return nil, errFixed
		}
	}
	var err error
	next.accounts, next.gone, err = e.withAccounts(e.accounts.Load(), cfg.Accounts)
	return next, err
}

func (next *changes) loginsOf(cfg *CarrierConfig, c *carrier) error {
	if c == nil || len(cfg.Binds) != len(c.cfg.Binds) {
		return errFixed
	}
	next.rates[cfg.Name] = cfg.TPS
	for i := range cfg.Binds {
		b := &cfg.Binds[i]
		if b.Addr != c.cfg.Binds[i].Addr {
			return errFixed
		}
		login, err := b.login()
		if err != nil {
			return fmt.Errorf("carrier %q: bind to %s: %w", cfg.Name, b.Addr, err)
		}
		next.logins[cfg.Name] = append(next.logins[cfg.Name], login)
	}
	return nil
}

func (e *Edge) commit(cfg *Config, next *changes) (files []string) {
	for i, l := range e.listeners {
		if !tlsfile.Same(l.tls.Load(), next.listeners[i]) {
			files = append(files, "certificates of listener "+cfg.Listen[i].Addr)
		}
		l.tls.Store(next.listeners[i])
	}
	for name, logins := range next.logins {
		c := e.carriers[name]
		told := map[*BindConfig]bool{}
		for _, d := range c.dialers {
			login := logins[d.index]
			if !told[d.bind] && !tlsfile.Same(d.login.Load().tls, login.tls) {
				told[d.bind] = true
				files = append(files, fmt.Sprintf("certificates of carrier %s towards %s", name, d.bind.Addr))
			}
			d.login.Store(login)
		}
	}
	for name, tps := range next.rates {
		e.carriers[name].destination.setRate(tps)
	}
	for i := range cfg.Accounts {
		next.accounts.byID[cfg.Accounts[i].SystemID].apply(&cfg.Accounts[i])
	}
	e.accounts.Store(next.accounts)
	t := e.newTurn()
	for _, a := range next.gone {
		a.remove()
		e.retireAccount(t, a, reasonRemoved)
		e.log.Info("account removed", zap.String("peer", a.peer.name))
	}
	t.flush()
	return files
}
