package numberdb

import (
	"errors"
	"strings"
	"testing"
	"time"

	"maskline/e164"
)

var (
	aMask  = e164.MustParse("+442079460011")
	bMask  = e164.MustParse("+442079460022")
	aParty = e164.MustParse("+447700900101")
	bParty = e164.MustParse("+447700900202")
	then   = time.Date(2026, 3, 4, 5, 6, 7, 891_000, time.UTC)
)

func goodMask() Mask {
	return Mask{
		Number: aMask, Pool: "london", Country: "GB", Region: "London", Services: SMS | Voice, Carrier: "alfa",
		Presents: []string{"bravo"}, Cost: 1, Flags: Registered, State: Retired, Since: then,
	}
}

func TestMaskCheck(t *testing.T) {
	good := goodMask()
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*Mask)
		want  error
	}{
		"no number":                    {func(m *Mask) { m.Number = 0 }, ErrMaskNumber},
		"a short code of another kind": {func(m *Mask) { m.Number, m.Services = short("44:60123"), SMS }, ErrMaskKind},
		"an emergency string":          {func(m *Mask) { m.Number, m.Kind, m.Services = short("44:999"), ShortCode, SMS }, ErrEmergency},
		"a number that is none":        {func(m *Mask) { m.Number = 77 }, ErrMaskNumber},
		"a pool's name with a newline": {func(m *Mask) { m.Pool = "a\nb" }, ErrName},
		"an unknown kind":              {func(m *Mask) { m.Kind = TollFree + 1 }, ErrMaskKind},
		"a country of three letters":   {func(m *Mask) { m.Country = "GBR" }, ErrCountry},
		"a country in lower case":      {func(m *Mask) { m.Country = "gb" }, ErrCountry},
		"a long region":                {func(m *Mask) { m.Region = strings.Repeat("x", 65) }, ErrRegion},
		"no service":                   {func(m *Mask) { m.Services = 0 }, ErrMaskServices},
		"an unknown service":           {func(m *Mask) { m.Services = 4 }, ErrMaskServices},
		"a short code with calls":      {func(m *Mask) { m.Kind = ShortCode }, ErrShortVoice},
		"a carrier with a divider":     {func(m *Mask) { m.Carrier = "a|b" }, ErrCarrier},
		"a carrier twice":              {func(m *Mask) { m.Presents = []string{"a", "a"} }, ErrPresents},
		"too many carriers":            {func(m *Mask) { m.Presents = make([]string, 33) }, ErrPresents},
		"a negative cost":              {func(m *Mask) { m.Cost = -1 }, ErrCost},
		"an unknown flag":              {func(m *Mask) { m.Flags = 4 }, ErrFlags},
		"an unknown state":             {func(m *Mask) { m.State = Retired + 1 }, ErrMaskState},
		"no time of the state":         {func(m *Mask) { m.Since = time.Time{} }, ErrSince},
		"nanoseconds":                  {func(m *Mask) { m.Since = then.Add(1) }, ErrSince},
	} {
		m := goodMask()
		c.spoil(&m)
		if err := m.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPoolCheck(t *testing.T) {
	for name, c := range map[string]struct {
		pool Pool
		want error
	}{
		"a name alone":                   {Pool{Name: "london"}, nil},
		"all of it":                      {Pool{Name: "london", Tenant: "shop", Policy: PoolPolicy{Pinned, time.Hour, 100, time.Hour, time.Minute, 2 * time.Hour, time.Minute, 2, true}}, nil},
		"no name":                        {Pool{}, ErrName},
		"a long name":                    {Pool{Name: strings.Repeat("x", 65)}, ErrName},
		"a tenant with a space in front": {Pool{Name: "a", Tenant: " shop"}, ErrTenant},
		"an unknown selection":           {Pool{Name: "a", Policy: PoolPolicy{Selection: Pinned + 1}}, ErrSelection},
		"a negative quarantine":          {Pool{Name: "a", Policy: PoolPolicy{Quarantine: -1}}, ErrQuarantine},
		"a quarantine in nanoseconds":    {Pool{Name: "a", Policy: PoolPolicy{Quarantine: 1}}, ErrQuarantine},
		"negative parties":               {Pool{Name: "a", Policy: PoolPolicy{Parties: -1}}, ErrParties},
		"a minimum above the rest":       {Pool{Name: "a", Policy: PoolPolicy{MinTTL: time.Hour, TTL: time.Minute}}, ErrTTL},
		"a minimum above the maximum":    {Pool{Name: "a", Policy: PoolPolicy{MinTTL: time.Hour, MaxTTL: time.Minute}}, ErrTTL},
		"a ttl above the maximum":        {Pool{Name: "a", Policy: PoolPolicy{TTL: time.Hour, MaxTTL: time.Minute}}, ErrTTL},
		"a ttl of a century":             {Pool{Name: "a", Policy: PoolPolicy{TTL: 100 * 366 * 24 * time.Hour}}, ErrTTL},
		"a negative idle time":           {Pool{Name: "a", Policy: PoolPolicy{IdleTTL: -time.Second}}, ErrIdleTTL},
		"negative uses":                  {Pool{Name: "a", Policy: PoolPolicy{MaxUses: -1}}, ErrMaxUses},
	} {
		if err := c.pool.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func goodSession() Session {
	return Session{
		ID: 1, Tenant: "shop", Pool: "london", Services: SMS, Created: then, Expires: then.Add(time.Hour), Keep: then.Add(25 * time.Hour),
		Label: strings.Repeat("ü", 64), Participants: []Participant{
			{Number: aParty, To: Endpoint{Kind: Tel, Number: aParty}, Dial: aMask, Second: bMask},
			{Number: bParty, To: Endpoint{Kind: SIP, Name: "a@127.0.0.1:5090"}, Dial: bMask},
		},
	}
}

func TestSessionCheck(t *testing.T) {
	good := goodSession()
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*Session)
		want  error
	}{
		"no id":                             {func(s *Session) { s.ID = 0 }, ErrNoID},
		"an id beyond 63 bits":              {func(s *Session) { s.ID = 1 << 63 }, ErrNoID},
		"a tenant with a newline":           {func(s *Session) { s.Tenant = "a\n" }, ErrTenant},
		"of all tenants":                    {func(s *Session) { s.Tenant = AnyTenant }, ErrTenant},
		"no pool":                           {func(s *Session) { s.Pool = "" }, ErrPool},
		"an unknown shape":                  {func(s *Session) { s.Shape = Lease + 1 }, ErrShape},
		"no service":                        {func(s *Session) { s.Services = 0 }, ErrSessionServices},
		"no beginning":                      {func(s *Session) { s.Created = time.Time{} }, ErrCreated},
		"an end before the beginning":       {func(s *Session) { s.Expires = then.Add(-time.Hour) }, ErrSessionEnd},
		"no end":                            {func(s *Session) { s.Expires = time.Time{} }, ErrSessionEnd},
		"a negative idle time":              {func(s *Session) { s.IdleTTL = -time.Second }, ErrIdleTTL},
		"too many uses":                     {func(s *Session) { s.MaxUses = 2_000_000_000 }, ErrMaxUses},
		"nanoseconds":                       {func(s *Session) { s.Keep = then.Add(1) }, ErrKeep},
		"an unknown reason":                 {func(s *Session) { s.Ended = Rotated + 1 }, ErrEnded},
		"a long label":                      {func(s *Session) { s.Label += "x" }, ErrLabel},
		"a label of two lines":              {func(s *Session) { s.Label = "a\nb" }, ErrLabel},
		"a label that is no text":           {func(s *Session) { s.Label = "\xff" }, ErrLabel},
		"one participant":                   {func(s *Session) { s.Participants = s.Participants[:1] }, ErrParticipants},
		"three of two":                      {func(s *Session) { s.Participants = append(s.Participants, s.Participants[0]) }, ErrParticipants},
		"a group of too many":               {func(s *Session) { s.Shape, s.Participants = Group, make([]Participant, 101) }, ErrParticipants},
		"a lease of nobody":                 {func(s *Session) { s.Shape, s.Participants = Lease, nil }, ErrParticipants},
		"nobody":                            {func(s *Session) { s.Participants[0] = Participant{Dial: aMask} }, ErrParticipant},
		"a mask as a number":                {func(s *Session) { s.Participants[0].Number = aMask }, ErrParticipant},
		"the second mask as a number":       {func(s *Session) { s.Participants[0].Number = bMask }, ErrParticipant},
		"the same person":                   {func(s *Session) { s.Participants[1].Number = aParty }, ErrSamePerson},
		"a second mask that is the first":   {func(s *Session) { s.Participants[0].Second = aMask }, ErrSecond},
		"a second mask without a first":     {func(s *Session) { s.Participants[0].Dial = 0 }, ErrSecond},
		"an endpoint that is none":          {func(s *Session) { s.Participants[0].To = Endpoint{Kind: SIP, Name: "a b"} }, ErrSIP},
		"an endpoint of no kind":            {func(s *Session) { s.Participants[0].To = Endpoint{Name: "a"} }, ErrEndpoint},
		"a number that is no number at all": {func(s *Session) { s.Participants[0].Number = 5 }, errNumber},
	} {
		s := goodSession()
		c.spoil(&s)
		if err := s.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEventAndAttemptCheck(t *testing.T) {
	event := func(change func(*MaskEvent)) *MaskEvent {
		e := &MaskEvent{Mask: aMask, At: then, Why: "leased", Actor: "edge"}
		change(e)
		return e
	}
	attempt := func(change func(*Attempt)) *Attempt {
		a := &Attempt{Tenant: "shop", Key: "k\x00+447700900101", Fingerprint: []byte{1}, Response: 1, Until: then}
		change(a)
		return a
	}
	for name, c := range map[string]struct {
		row  interface{ Check() error }
		want error
	}{
		"a line":                     {event(func(*MaskEvent) {}), nil},
		"a line with a number":       {event(func(e *MaskEvent) { e.Why = "called by +447700900101" }), ErrWhy},
		"a line of a number":         {event(func(e *MaskEvent) { e.Actor = "447700900101" }), ErrActor},
		"a line of nobody":           {event(func(e *MaskEvent) { e.Actor = "" }), ErrActor},
		"a line of two lines":        {event(func(e *MaskEvent) { e.Why = "a\nb" }), ErrWhy},
		"a long line":                {event(func(e *MaskEvent) { e.Why = strings.Repeat("x", 201) }), ErrWhy},
		"a line of no mask":          {event(func(e *MaskEvent) { e.Mask = 0 }), ErrMaskNumber},
		"a line of no time":          {event(func(e *MaskEvent) { e.At = time.Time{} }), ErrSince},
		"a line of an unknown state": {event(func(e *MaskEvent) { e.What = 9 }), ErrMaskState},
		"an attempt":                 {attempt(func(*Attempt) {}), nil},
		"no key":                     {attempt(func(a *Attempt) { a.Key = "" }), ErrAttemptKey},
		"a long key":                 {attempt(func(a *Attempt) { a.Key = strings.Repeat("x", 256) }), ErrAttemptKey},
		"no fingerprint":             {attempt(func(a *Attempt) { a.Fingerprint = nil }), ErrFingerprint},
		"no response":                {attempt(func(a *Attempt) { a.Response = 0 }), ErrResponse},
		"no end":                     {attempt(func(a *Attempt) { a.Until = time.Time{} }), ErrUntil},
		"a tenant":                   {&Tenant{Name: "shop", Created: then}, nil},
		"a tenant in no state":       {&Tenant{Name: "shop", Created: then, State: Closed + 1}, ErrTenantState},
		"a tenant without name":      {&Tenant{Created: then}, ErrName},
		"a tenant that is all":       {&Tenant{Name: AnyTenant, Created: then}, ErrName},
		"a tenant never made":        {&Tenant{Name: "shop"}, ErrCreated},
	} {
		if err := c.row.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWritesNameThePlaceAndNoValue(t *testing.T) {
	bad := goodSession()
	bad.Participants[0].Number = aMask
	w := Writes{Sessions: []Session{goodSession(), bad}}
	err := w.Check()
	if !errors.Is(err, ErrParticipant) || !strings.Contains(err.Error(), "session 2 of 2") || strings.Contains(err.Error(), "4420") {
		t.Errorf("%v", err)
	}
	argentine := Binding{Mask: aMask, Party: e164.MustParse("5491123456789"), To: Endpoint{Kind: Tel, Number: bParty}, Present: bMask, Services: SMS}
	same := argentine
	same.Party = e164.MustParse("541123456789")
	if err := (&Writes{Claims: []Binding{argentine, same}}).Check(); !errors.Is(err, ErrKeyTwice) {
		t.Errorf("one key in two forms: %v", err)
	}
	if err := (&Writes{Gone: Gone{Pools: make([]string, maxWrites+1)}}).Check(); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many: %v", err)
	}
}
