package configs

import (
	"maps"
	"slices"
	"strings"
)

// inherit lets a tenant's opt_out differ from routing.opt_out in the keys that
// it gives.
func (c *Config) inherit(d *decoder) {
	general := &c.Routing.OptOut
	for i := range c.Tenants {
		own, path := &c.Tenants[i].OptOut, under(entry("tenants", i), "opt_out")
		given := func(key string) bool { _, found := d.lines[under(path, key)]; return found }
		if !given("enabled") {
			own.Enabled = general.Enabled
		}
		if !given("scope") {
			own.Scope = general.Scope
		}
		if !given("start") {
			own.Start = general.Start
		}
		if !given("help") {
			own.Help = general.Help
		}
		if !given("replies") {
			own.Replies = general.Replies
		}
		words := maps.Clone(general.Words)
		for code, list := range own.Words {
			if given(under("words", code)) {
				words[code] = list
			}
		}
		own.Words = words
	}
}

// rules checks the opt-out words and the rules of routing.
func (c *checker) rules(tenants *directory) {
	c.optOut(&c.Routing.OptOut, "routing.opt_out")
	for i := range c.Tenants {
		if at := under(entry("tenants", i), "opt_out"); c.given(at) {
			c.optOut(&c.Tenants[i].OptOut, at)
		}
	}
	names := newDirectory("routing.rules")
	for i := range c.Routing.Rules {
		r, path := &c.Routing.Rules[i], entry("routing.rules", i)
		c.unique(names, string(r.Name), under(path, "name"))
		c.refers(tenants, r.When.Tenant, under(path, "when.tenant"))
		if w := &r.When; w.Tenant == "" && w.Direction == AnyDirection && len(w.Sender) == 0 && len(w.Text) == 0 {
			c.fault(path, "has no condition, so it would meet everything; expected when", under(path, "when"))
		}
	}
}

func (c *checker) optOut(o *OptOut, path string) {
	if len(o.Words[DefaultCountry]) == 0 && o.Enabled {
		c.fault(under(path, "words"), "has no words for every country; expected some in default, or enabled: false", under(path, "enabled"))
	}
	if c.given(under(path, "replies")) { // not those that a tenant inherits
		c.replies(o.Replies, under(path, "replies"))
	}
	for _, code := range slices.Sorted(maps.Keys(o.Words)) {
		for _, word := range o.Words[code] {
			if slices.ContainsFunc(o.Start, func(start Word) bool { return strings.EqualFold(string(start), string(word)) }) {
				c.fault(under(path, "start"), "has a word that is in words too; expected it in one of them", under(path, "words"))
			}
		}
	}
}

func (c *checker) replies(replies []OptOutReply, path string) {
	codes := map[CallingCode]bool{}
	for i := range replies {
		if code := replies[i].Code; codes[code] {
			c.fault(path, "has two entries for one calling code; expected one for each", under(entry(path, i), "code"))
		}
		codes[replies[i].Code] = true
	}
}
