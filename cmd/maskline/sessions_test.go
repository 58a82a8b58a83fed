package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/api"
)

const maskHeader = "number,pool,kind,country,region,services,carrier,presents,cost,flags,state\n"

// fourMasks are of the pool uk, in the order and form of an export.
const fourMasks = maskHeader +
	"44:60123,uk,short_code,GB,,sms,alfa,,12.5,,free\n" +
	"+442079460011,uk,long_code,GB,London,sms+voice,alfa,bravo,1,registered_address|registered,free\n" +
	"+442079460022,uk,long_code,GB,London,sms+voice,,,,,free\n" +
	"+442079460033,uk,toll_free,GB,,voice,,,0.000001,,watchlisted\n"

// stocked is an edge with a pool of two masks that take everything.
func stocked(t *testing.T) (*cli, *running) {
	t.Helper()
	c := newCLI(t)
	r := startEdge(t, c)
	c.stock()
	return c, r
}

func (c *cli) stock() {
	c.t.Helper()
	c.at("pools", "create", "uk", "--quarantine", "1h")
	c.write("masks.csv", fourMasks)
	c.at("numbers", "import", "masks.csv")
}

// at runs a command that has to succeed with the configuration.
func (c *cli) at(args ...string) string {
	c.t.Helper()
	return c.ok(append(args, "--config", "edge.yaml")...)
}

// refuses runs a command that has to fail with a code and words.
func (c *cli) refuses(code int, words string, args ...string) {
	c.t.Helper()
	got, out, errs := c.run(append(args, "--config", "edge.yaml")...)
	if got != code || out != "" || !strings.Contains(errs, words) {
		c.t.Errorf("%v: exit %d, %q, %q; expected exit %d and %q", args[:2], got, out, errs, code, words)
	}
	for _, number := range []string{"7009001", "7009002"} {
		if strings.Contains(errs, number) {
			c.t.Errorf("%v: a number is in %q", args[:2], errs)
		}
	}
}

// into reads what a command writes with --json.
func into[T any](c *cli, args ...string) (v T) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.at(append(args, "--json")...)), &v); err != nil {
		c.t.Fatal(err)
	}
	return v
}

// pair makes a session of two in the pool uk.
func (c *cli) pair(a, b string, more ...string) api.Session {
	c.t.Helper()
	return into[api.Session](c, append([]string{"sessions", "create", "--pool", "uk", "--party", a, "--party", b}, more...)...)
}

func TestMasksAreExportedAsTheyWereImported(t *testing.T) {
	for _, name := range []string{"without an edge", "with an edge"} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t)
			if name == "with an edge" {
				startEdge(t, c)
			}
			c.stock()
			if out := c.at("numbers", "export"); out != fourMasks {
				t.Fatalf("export:\n%s", out)
			}
			c.write("again.csv", c.at("numbers", "export"))
			if out := c.at("numbers", "import", "again.csv"); out != "imported 4 masks\n" {
				t.Errorf("import says %q", out)
			}
			if out := c.at("numbers", "export"); out != fourMasks {
				t.Errorf("export:\n%s", out)
			}
			shown := into[api.Number](c, "numbers", "show", "+44 20 7946 0011")
			if len(shown.History) != 1 || shown.History[0].Why != "imported" || shown.History[0].Actor != operatorActor {
				t.Errorf("a file that changes nothing is in the history: %+v", shown.History)
			}
		})
	}
}

func TestAFileOfMasksIsAppliedWholeOrNotAtAll(t *testing.T) {
	c, _ := stocked(t)
	c.pair("+447700900101", "+447700900202")
	cases := []struct{ name, file, want string }{
		{"no header", "+442079460044\n", "line 1: an unknown name in the header"},
		{"empty", "", "maskline: the file has faults, nothing of it was applied\nline 1: the file is empty; expected the header number,"},
		{"no number", "pool\nuk\n", "line 1: the header lacks number"},
		{"not a number", "number,pool\n+442079460044,uk\n12,uk\n", "line 3: number: expected 7 to 15 digits"},
		{"unknown pool", "number,pool\n+442079460044,us\n", "line 2: pool: there is no such pool"},
		{"unknown carrier", "number,carrier\n+442079460044,charlie\n", "line 2: carrier: names a carrier that is not configured"},
		{"kind", "number,kind\n+442079460044,long\n", "line 2: kind: expected"},
		{"short code's kind", "number,kind\n44:60124,long_code\n", "line 2: kind: expected"},
		{"country", "number,country\n+442079460044,gb\n", "line 2: country: expected two upper-case letters"},
		{"services", "number,services\n+442079460044,mms\n", "line 2: services: expected sms, voice or sms+voice"},
		{"voice of a short code", "number,kind,services\n44:60124,short_code,voice\n", "line 2: services: a short code takes no calls"},
		{"cost", "number,cost\n+442079460044,1.2345678\n", "line 2: cost: expected an amount"},
		{"flags", "number,flags\n+442079460044,gold\n", "line 2: flags: expected"},
		{"state", "number,state\n+442079460044,new\n", "line 2: state: expected"},
		{"twice", "number\n+442079460044\n+44 2079 460044\n", "line 3: number: the same as in line 2"},
		{"fields", "number,pool\n+442079460044\n", "line 2: expected 2 fields as in the header, found 1"},
		{"a participant", "number\n+447700900101\n", "line 2: number: is that of a participant"},
		{"long line", "number\n" + strings.Repeat("4", 5000) + "\n", "line 2: longer than 4096 octets"},
	}
	before := c.at("numbers", "export")
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			c.t = t
			c.write("bad.csv", k.file)
			c.refuses(1, k.want, "numbers", "import", "bad.csv")
		})
	}
	c.t = t
	c.refuses(4, `there is no pool "us"`, "numbers", "import", "masks.csv", "--pool", "us")
	if after := c.at("numbers", "export"); strings.ReplaceAll(after, "held", "free") != before {
		t.Errorf("a refused file changed the masks:\n%s", after)
	}
}

func TestNumbersAreListedAndChangeState(t *testing.T) {
	c, _ := stocked(t)
	c.pair("+447700900101", "+447700900202", "--services", "sms+voice")
	list := into[[]api.Number](c, "numbers", "list", "--pool", "uk", "--state", "free", "--country", "gb")
	parties := 0
	for _, n := range list {
		parties += n.Parties
	}
	if len(list) != 3 || parties != 2 {
		t.Errorf("%d free masks with %d parties", len(list), parties)
	}
	if out := c.at("numbers", "list", "--state", "watchlisted"); !strings.Contains(out, "+442079460033  uk    toll_free  GB       voice     -        watchlisted  0\n") {
		t.Errorf("the table:\n%s", out)
	}
	if out := c.at("numbers", "release", "+442079460033", "--why", "cleared"); out != "1 of 1 changed, all are free\n" {
		t.Error(out)
	}
	c.at("numbers", "drain", "+442079460011", "+442079460022", "--why", "moved")
	c.refuses(3, "pool \"uk\" has no mask for participant 1 (capability): none of those that are left has the services that were asked for; import some that have; masks kept out: 2 by state, 2 by capability", "sessions", "create", "--pool", "uk", "--party", "+447700900103", "--party", "+447700900204")
	c.at("numbers", "retire", "+442079460022")
	if out := c.at("numbers", "show", "+442079460022"); !strings.Contains(out, "retired") || !strings.Contains(out, "by operator  moved") {
		t.Errorf("shown as:\n%s", out)
	}
	c.refuses(4, "number 2: there is no such mask", "numbers", "watchlist", "+442079460011", "+442079460099")
	c.refuses(1, "state: expected free", "numbers", "list", "--state", "gone")
	c.refuses(1, "country: expected two letters", "numbers", "list", "--country", "GBR")
	c.refuses(1, "why: expected", "numbers", "watchlist", "+442079460011", "--why", "called +447700900101")
}

func TestPoolsAreMadeChangedAndDeleted(t *testing.T) {
	for _, name := range []string{"without an edge", "with an edge"} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t)
			if name == "with an edge" {
				startEdge(t, c)
			}
			c.at("pools", "create", "uk", "--tenant", "shop", "--selection", "prefer-sticky", "--ttl", "30m", "--max-ttl", "48h", "--second")
			c.at("pools", "set", "uk", "--parties", "7", "--no-second", "--min-ttl", "1m")
			p := into[api.Pool](c, "pools", "show", "uk")
			if p.Tenant != "shop" || p.Selection != "prefer-sticky" || p.TTL.String() != "30m" || p.MaxTTL.String() != "48h" ||
				p.Parties != 7 || p.Second || p.MinTTL.String() != "1m" || (p.Health != nil) != (name == "with an edge") {
				t.Errorf("it is %+v", p)
			}
			c.refuses(1, "there is a pool \"uk\" already", "pools", "create", "uk")
			for _, name := range []string{"+447700900101", "447700900101", "a b", "*", "any", "own", ""} {
				c.refuses(1, "name: expected up to 63 letters", "pools", "create", name)
			}
			c.refuses(4, "there is no pool \"us\"", "pools", "set", "us", "--parties", "3")
			c.refuses(1, "tenant: expected one that is configured", "pools", "set", "uk", "--tenant", "shap")
			c.refuses(1, "ttl: expected times", "pools", "set", "uk", "--min-ttl", "1h")
			c.write("masks.csv", fourMasks)
			c.at("numbers", "import", "masks.csv")
			c.refuses(1, "still has masks", "pools", "delete", "uk")
			c.at("pools", "create", "spare")
			if out := c.at("pools", "list"); !strings.Contains(out, "uk     shop    prefer-sticky  4      3") {
				t.Errorf("list:\n%s", out)
			}
			c.at("pools", "delete", "spare")
			c.refuses(4, "there is no pool \"spare\"", "pools", "delete", "spare")
		})
	}
}

func TestSessionsAtTheCommandLine(t *testing.T) {
	c := newCLI(t)
	startEdge(t, c)
	c.stock()
	sessionScene(t, c)
}

// sessionScene is the life of sessions, on any store.
func sessionScene(t *testing.T, c *cli) {
	t.Helper()
	s := c.pair("+447700900101", "+44 7700 900202", "--ttl", "30m", "--label", "order 5", "--tenant", "shop", "--prefix", "+44207")
	if s.State != "active" || s.Shape != "per_side" || s.Participants[0].Number != "…01" || s.Tenant != "shop" || s.ExpiresAt.Sub(s.CreatedAt) != 30*time.Minute {
		t.Errorf("made: %+v", s)
	}
	mask := s.Participants[0].Dial
	if out := c.at("route", "+447700900101", mask); !strings.Contains(out, "session       "+s.ID+"\n") || !strings.Contains(out, "presented as  "+s.Participants[1].Dial) {
		t.Errorf("route says\n%s", out)
	}
	shown := c.at("sessions", "show", s.ID)
	if !strings.Contains(shown, "…01  dials "+mask) || strings.Contains(shown, "7700900") {
		t.Errorf("shown as\n%s", shown)
	}
	if out := c.at("sessions", "show", s.ID, "--reveal"); !strings.Contains(out, "+447700900101  dials "+mask) {
		t.Errorf("revealed as\n%s", out)
	}
	extended := into[api.Session](c, "sessions", "extend", s.ID, "--ttl", "2h")
	if !extended.ExpiresAt.After(s.ExpiresAt) {
		t.Error("not extended")
	}
	c.refuses(1, `ttl: pool "uk" allows times above 0 to 720h, extensions included`, "sessions", "extend", s.ID, "--ttl", "721h")
	list := into[api.SessionList](c, "sessions", "list", "--live", "--party", "+447700900202", "--tenant", "shop")
	if len(list.Data) != 1 || list.Data[0].ID != s.ID {
		t.Errorf("listed: %+v", list)
	}
	if ended := into[api.Session](c, "sessions", "end", s.ID); ended.State != "released" {
		t.Errorf("ended: %+v", ended)
	}
	if out := c.at("route", "+447700900101", mask); !strings.HasPrefix(out, "verdict  ended") {
		t.Errorf("after the end route says\n%s", out)
	}
	c.refuses(4, "there is no such session, or it has ended", "sessions", "extend", s.ID, "--ttl", "1h")

	lease := into[api.Session](c, "sessions", "lease", "--pool", "uk", "--to", "smpp:shop", "--ttl", "10m", "--tenant", "shop")
	if lease.Shape != "lease" || lease.Participants[0].Dial == "" {
		t.Fatalf("leased: %+v", lease)
	}
	if n := into[api.Number](c, "numbers", "show", lease.Participants[0].Dial); n.State != "held" {
		t.Errorf("a leased mask is %s", n.State)
	}
	c.refuses(1, "is leased: end its session first", "numbers", "drain", lease.Participants[0].Dial)
	if out := c.at("sessions", "show", lease.ID); !strings.Contains(out, "everybody  dials "+lease.Participants[0].Dial+" to reach smpp:shop") {
		t.Errorf("shown as\n%s", out)
	}
	burned := into[api.Session](c, "sessions", "end", lease.ID, "--burn")
	if n := into[api.Number](c, "numbers", "show", lease.Participants[0].Dial); burned.State != "burned" || n.State != "watchlisted" {
		t.Errorf("%s, %s", burned.State, n.State)
	}
	c.at("numbers", "release", lease.Participants[0].Dial)
}

func TestAGroupIsJoined(t *testing.T) {
	c, _ := stocked(t)
	s := into[api.Session](c, "sessions", "create", "--pool", "uk", "--shape", "group", "--party", "+447700900101", "--party", "+447700900202")
	s = into[api.Session](c, "sessions", "join", s.ID, "--party", "+447700900103")
	if len(s.Participants) != 3 || s.Participants[2].Dial != s.Participants[0].Dial {
		t.Errorf("it is %+v", s)
	}
	c.refuses(1, "an emergency number cannot take part", "sessions", "join", s.ID, "--party", "112")
}

func TestRotationGivesOtherMasks(t *testing.T) {
	c, _ := stocked(t)
	c.write("more.csv", "number\n+442079460044\n+442079460055\n+442079460066\n")
	c.at("numbers", "import", "more.csv", "--pool", "uk")
	s := c.pair("+447700900101", "+447700900202")
	rotated := into[api.Session](c, "sessions", "rotate", s.ID)
	if rotated.ID != s.ID || rotated.State != "active" || rotated.Participants[0].Dial == s.Participants[0].Dial {
		t.Errorf("from %+v to %+v", s, rotated)
	}
}

func TestRefusedSessionsSayWhatToDo(t *testing.T) {
	c, _ := stocked(t)
	c.at("pools", "create", "other")
	c.at("pools", "set", "uk", "--min-ttl", "1m", "--ttl", "5m", "--max-ttl", "1h", "--parties", "1")
	c.write("other.csv", "number,pool\n+442079460044,other\n+442079460055,other\n")
	c.at("numbers", "import", "other.csv")
	create := func(pool string, more ...string) []string {
		return append([]string{"sessions", "create", "--pool", pool}, more...)
	}
	two := []string{"--party", "+447700900101", "--party", "+447700900202"}
	cases := []struct {
		name string
		code int
		want string
		args []string
	}{
		{"unknown pool", 4, "pool: there is no such pool", create("us", two...)},
		{"emergency number", 1, "participant 2: an emergency number cannot take part", create("uk", "--party", "+447700900101", "--party", "999")},
		{"a mask", 1, "one of the numbers is a mask", create("uk", "--party", "+447700900101", "--party", "+442079460011")},
		{"the same twice", 1, "the same number stands there twice", create("uk", "--party", "+447700900101", "--party", "447700900101")},
		{"one alone", 1, "expected two with numbers", create("uk", "--party", "+447700900101")},
		{"no number", 1, "participant 1: expected 7 to 15 digits", create("uk", "--party", "x", "--party", "+447700900101")},
		{"ttl too short", 1, `ttl: pool "uk" allows times from 1m to 1h`, create("uk", append(two, "--ttl", "1s")...)},
		{"ttl too long", 1, `ttl: pool "uk" allows times from 1m to 1h`, create("uk", append(two, "--ttl", "2h")...)},
		{"tenant", 1, "tenant: expected one that is configured", create("uk", append(two, "--tenant", "shap")...)},
		{"shape", 1, "shape: expected", create("uk", append(two, "--shape", "round")...)},
		{"country", 3, "(country): none is of the country", create("uk", append(two, "--country", "FR")...)},
		{"countries", 1, "--country: expected it once for all", create("uk", append(two, "--country", "FR", "--country", "GB", "--country", "DE")...)},
		{"endpoint", 1, "to: expected tel:", []string{"sessions", "lease", "--pool", "uk", "--to", "fax:1"}},
		{"account", 1, "to: names an account that is not configured", []string{"sessions", "lease", "--pool", "uk", "--to", "smpp:shap"}},
		{"emergency lease", 1, "an emergency number cannot take part", []string{"sessions", "lease", "--pool", "uk", "--to", "tel:112"}},
		{"id", 1, "id: expected the id of a session", []string{"sessions", "show", "ses_1"}},
		{"after", 1, "after: expected the id of a session", []string{"sessions", "list", "--after", "ses_1"}},
		{"limit", 1, "limit: expected 1 to 10,000", []string{"sessions", "list", "--limit=-1", "--tenant", "shop"}},
		{"no such session", 4, "there is no such session", []string{"sessions", "show", "ses_0000000000001"}},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			c.t = t
			c.refuses(k.code, k.want, k.args...)
		})
	}
	c.t = t
	c.pair("+447700900101", "+447700900202")
	c.refuses(3, "(ceiling): each has as many parties as it may; import more masks, or raise the ceiling with pools set --parties; masks kept out: 1 by state, 1 by capability, 2 by ceiling; these pools would do now: other",
		create("uk", "--party", "+447700900103", "--party", "+447700900204")...)
	if p := into[api.Pool](c, "pools", "show", "uk"); p.Health.Live != 2 || p.Health.Exhausted["ceiling"] != 1 {
		t.Errorf("%+v", p.Health)
	}
	if out := c.at("pools", "show", "uk"); !strings.Contains(out, "1 ceiling, 1 country") || !strings.Contains(out, "max ttl           1h") {
		t.Errorf("shown as\n%s", out)
	}
	c.refuses(3, "(ceiling): a mask for everybody is one that nobody has, or had within quarantine", "sessions", "lease", "--pool", "uk", "--to", "tel:+447700900909")
}

func TestSessionsAreListedPageByPage(t *testing.T) {
	c, _ := stocked(t)
	var made, seen []string
	for i := range 5 {
		made = append(made, c.pair(fmt.Sprintf("+44770090010%d", i), fmt.Sprintf("+44770090020%d", i)).ID)
	}
	for after := ""; len(seen) <= len(made); {
		args := []string{"sessions", "list", "--limit", "2"}
		if after != "" {
			args = append(args, "--after", after)
		}
		page := into[api.SessionList](c, args...)
		for _, s := range page.Data {
			seen = append(seen, s.ID)
		}
		if after = page.NextCursor; after == "" {
			break
		}
	}
	if !slices.Equal(made, seen) {
		t.Errorf("made %v, listed %v", made, seen)
	}
	if out := c.at("sessions", "list"); strings.Count(out, "active") != 5 || strings.Contains(out, "7700900") {
		t.Errorf("list:\n%s", out)
	}
}

func TestBindingsOfSessionsAreTheirs(t *testing.T) {
	c, _ := stocked(t)
	s := c.pair("+447700900101", "+447700900202")
	code, out, errs := c.run("routes", "export", "--config", "edge.yaml")
	if code != 0 || out != "mask,party,to,present,services,carriers,expires_at\n" || errs != "left out: 2 of sessions, which sessions list shows\n" {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	c.write("over.csv", "mask,party,to,present,services,carriers,expires_at\n"+
		s.Participants[0].Dial+",+447700900101,tel:+447700900909,+442079460022,sms,,\n")
	c.refuses(1, "line 2, column 1 (mask): a session has this mask for this party", "routes", "import", "over.csv")
}

func TestSessionsNeedAnEdge(t *testing.T) {
	c := newCLI(t)
	c.refuses(1, "no edge runs on this data_dir; sessions are a running edge's", "sessions", "list")
	if out := c.at("pools", "list", "--json"); out != "[]\n" {
		t.Errorf("an empty list is %q", out)
	}
}
