package numberdb

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"maskline/e164"
)

func short(text string) e164.Number {
	n, err := e164.ParseMask(text)
	if err != nil {
		panic(err)
	}
	return n
}

func shortBinding() Binding {
	return Binding{
		Mask: short("44:60123"), Party: num("+447700900001"), To: Endpoint{Kind: Tel, Number: num("+447700900002")},
		Present: short("44:60124"), Services: SMS,
	}
}

func TestBindingsOfShortCodes(t *testing.T) {
	cases := map[string]struct {
		change func(*Binding)
		want   error
	}{
		"as mask and as present":          {func(*Binding) {}, nil},
		"of everybody":                    {func(b *Binding) { b.Party = 0 }, nil},
		"to an account":                   {func(b *Binding) { b.To = Endpoint{Kind: Account, Name: "shop"} }, nil},
		"as the second":                   {func(b *Binding) { b.Second = short("44:60125") }, nil},
		"calls of a mask":                 {func(b *Binding) { b.Services, b.Present = SMS|Voice, num("+442079460011") }, ErrShortServices},
		"calls from a present":            {func(b *Binding) { b.Services, b.Mask = Voice, num("+442079460011") }, ErrShortServices},
		"calls from a second":             {func(b *Binding) { *b = withSecond(*b, "44:60125") }, ErrShortServices},
		"to a SIP peer":                   {func(b *Binding) { b.To = Endpoint{Kind: SIP, Name: "a@pbx.example"} }, ErrShortSIP},
		"as a party":                      {func(b *Binding) { b.Party = short("44:60125") }, ErrShortParty},
		"as a party of a number":          {func(b *Binding) { b.Party, b.Mask = short("44:60125"), num("+442079460011") }, ErrShortParty},
		"as a destination":                {func(b *Binding) { b.To.Number = short("44:60125") }, ErrTel},
		"an emergency string":             {func(b *Binding) { b.Mask = short("44:112") }, ErrEmergency},
		"another country's, as a present": {func(b *Binding) { b.Present = short("44:911") }, ErrEmergency},
		"that begins like one":            {func(b *Binding) { b.Mask = short("44:1120") }, nil},
		"packed wrongly":                  {func(b *Binding) { b.Mask |= 1 << 40 }, errNumber},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := shortBinding()
			c.change(&b)
			if err := b.Check(); !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
		})
	}
}

// withSecond has a short code as its second mask alone.
func withSecond(b Binding, second string) Binding {
	b.Mask, b.Present, b.Second, b.Services = num("+442079460011"), num("+442079460022"), short(second), SMS|Voice
	return b
}

func TestNobodyInASessionHasAShortCode(t *testing.T) {
	for name, c := range map[string]struct {
		p    Participant
		want error
	}{
		"as the mask that is dialled": {Participant{Number: num("+447700900001"), Dial: short("44:60123"), Second: short("44:60124")}, nil},
		"as the number":               {Participant{Number: short("44:60123")}, ErrShortParty},
		"as the destination":          {Participant{Number: num("+447700900001"), To: Endpoint{Kind: Tel, Number: short("44:60123")}}, ErrTel},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.p.check(); !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestExportOfShortCodesImportsAgain(t *testing.T) {
	const text = `mask,party,to,present,services,carriers,expires_at,tenant
44:60123,*,smpp:shop,+441110000001,sms,,,shop
44:60123,+447700900001,tel:+447700900002,44:60123,sms,bravo|alfa,2030-01-31T12:00:00Z,shop
998:60123,+447700900001,tel:+447700900002,+441110000001,sms,,,
1:000001,*,smpp:shop,1:000001,sms,,,shop
+441110000001,+447700900002,tel:+447700900001,44:60123,sms,,,
`
	changes, err := imported(text, known())
	if err != nil {
		t.Fatal(err)
	}
	table := NewTable()
	table.Apply(changes)
	var again bytes.Buffer
	if _, err := Export(&again, table, all); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, again.String()); diff != "" {
		t.Fatal(diff)
	}
}

func TestTableOfShortCodes(t *testing.T) {
	p := newPair(t)
	const most = 3_000
	codeOf := func(i int) e164.Number { return short(fmt.Sprintf("%d:%05d", 44+i%2, 60_000+i/2)) }
	for i := range most {
		p.apply([]Change{{Binding: Binding{
			Mask: codeOf(i), Party: num("+447700900001"), To: Endpoint{Kind: Tel, Number: num("+447700900002")},
			Present: codeOf(i + 1), Second: codeOf(i + 2), Services: SMS,
		}}})
	}
	party := num("+447700900001")
	for i := range most {
		p.lookup(codeOf(i), party, noon)
		b, status := p.table.lookup(codeOf(i), party, noon)
		if status != Exact || b.Mask != codeOf(i) || b.Present != codeOf(i+1) || b.Second != codeOf(i+2) {
			t.Fatalf("code %d: status %d, or another's", i, status)
		}
	}
	if !p.table.isMask(codeOf(7)) || p.table.isMask(short("46:60003")) || p.table.isMask(num("+4460003")) {
		t.Error("a short code of another country, or a number, is taken for a mask")
	}
	for i := range most {
		p.apply([]Change{{Binding: Binding{Mask: codeOf(i), Party: party}, Deleted: true}})
	}
	p.compare()
}
