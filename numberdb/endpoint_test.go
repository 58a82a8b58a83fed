package numberdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseEndpoint(t *testing.T) {
	sip := func(name string) Endpoint { return Endpoint{Kind: SIP, Name: name} }
	cases := []struct {
		name, text string
		want       Endpoint
		fault      error
	}{
		{"number", "tel:+447700900001", Endpoint{Kind: Tel, Number: num("+447700900001")}, nil},
		{"number without plus", "tel:447700900001", Endpoint{Kind: Tel, Number: num("+447700900001")}, nil},
		{"the mobile prefix stays", "tel:+5491123456789", Endpoint{Kind: Tel, Number: num("+5491123456789")}, nil},
		{"number too short", "tel:123456", Endpoint{}, ErrTel},
		{"number with a letter", "tel:12345678x", Endpoint{}, ErrTel},
		{"account", "smpp:shop", Endpoint{Kind: Account, Name: "shop"}, nil},
		{"longest account", "smpp:" + strings.Repeat("a", 15), Endpoint{Kind: Account, Name: strings.Repeat("a", 15)}, nil},
		{"account too long", "smpp:" + strings.Repeat("a", 16), Endpoint{}, ErrAccount},
		{"account empty", "smpp:", Endpoint{}, ErrAccount},
		{"account with a space", "smpp:a b", Endpoint{}, ErrAccount},
		{"account with another alphabet", "smpp:лавка", Endpoint{}, ErrAccount},
		{"sip", "sip:desk@127.0.0.1:5090", sip("desk@127.0.0.1:5090"), nil},
		{"sip without port", "sip:+4930123@pbx.example.org", sip("+4930123@pbx.example.org"), nil},
		{"sip escaped user", "sip:a%20b@h", sip("a%20b@h"), nil},
		{"sip to IPv6", "sip:desk@[2001:db8::1]:5060", sip("desk@[2001:db8::1]:5060"), nil},
		{"sip IPv6 without brackets", "sip:desk@2001:db8::1", Endpoint{}, ErrSIP},
		{"sip IPv6 zone", "sip:desk@[fe80::1%25eth0]", Endpoint{}, ErrSIP},
		{"sip IPv4 in brackets", "sip:desk@[127.0.0.1]", Endpoint{}, ErrSIP},
		{"sip without user", "sip:@host", Endpoint{}, ErrSIP},
		{"sip without host", "sip:user@", Endpoint{}, ErrSIP},
		{"sip password", "sip:user:secret@host", Endpoint{}, ErrSIP},
		{"sip bad escape", "sip:a%2@host", Endpoint{}, ErrSIP},
		{"sip two hosts", "sip:a@b@c", Endpoint{}, ErrSIP},
		{"sip port 0", "sip:a@b:0", Endpoint{}, ErrSIP},
		{"sip port empty", "sip:a@b:", Endpoint{}, ErrSIP},
		{"sip line end", "sip:a@b\r\nVia", Endpoint{}, ErrSIP},
		{"sip too long", "sip:" + strings.Repeat("a", 254) + "@b", Endpoint{}, ErrSIP},
		{"webhook", "webhook:x", Endpoint{}, ErrNotDelivered},
		{"voicemail", "voicemail:", Endpoint{}, ErrNotDelivered},
		{"upper case", "TEL:+447700900001", Endpoint{}, ErrEndpoint},
		{"none", "none:x", Endpoint{}, ErrEndpoint},
		{"no scheme", "+447700900001", Endpoint{}, ErrEndpoint},
		{"empty", "", Endpoint{}, ErrEndpoint},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseEndpoint(c.text)
			if !errors.Is(err, c.fault) {
				t.Fatalf("fault %v, want %v", err, c.fault)
			}
			if got != c.want {
				t.Fatal(cmp.Diff(c.want, got))
			}
			if c.fault != nil {
				return
			}
			if again, err := ParseEndpoint(got.Reveal()); again != got || err != nil {
				t.Fatalf("Reveal does not parse back: %v", err)
			}
			if again, err := NewEndpoint(got.Kind, got.Value()); again != got || err != nil {
				t.Fatalf("Value does not give it back: %v", err)
			}
		})
	}
}

func TestEndpointIsNeverPrinted(t *testing.T) {
	for _, text := range []string{"tel:+447700900123", "sip:447700900123@pbx", "smpp:447700900123", "sip:a@h447700900123"} {
		e, err := ParseEndpoint(text)
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(Binding{To: e})
		if err != nil {
			t.Fatal(err)
		}
		for _, shown := range []string{fmt.Sprint(e), fmt.Sprintf("%+v", Binding{To: e}), string(asJSON)} {
			if strings.Contains(shown, "7700900") {
				t.Errorf("not redacted: %s", shown)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	good := Binding{
		Mask: num("+441110000001"), Party: num("+447700900001"), To: Endpoint{Kind: Tel, Number: num("+447700900002")},
		Present: num("+441110000002"), Services: SMS | Voice, Carriers: []string{"alfa", "Bravo Süd"}, Expires: noon, Tenant: "the shop",
	}
	cases := []struct {
		name   string
		change func(*Binding)
		fault  error
	}{
		{"good", func(*Binding) {}, nil},
		{"public", func(b *Binding) { b.Party = 0 }, nil},
		{"no mask", func(b *Binding) { b.Mask = 0 }, ErrNoMask},
		{"nothing presented", func(b *Binding) { b.Present = 0 }, ErrNoPresent},
		{"no service", func(b *Binding) { b.Services = 0 }, ErrServices},
		{"unknown service", func(b *Binding) { b.Services = 4 }, ErrServices},
		{"no endpoint", func(b *Binding) { b.To = Endpoint{} }, ErrEndpoint},
		{"number of none", func(b *Binding) { b.To = Endpoint{Kind: Tel} }, ErrTel},
		{"account and voice", func(b *Binding) { b.To = Endpoint{Kind: Account, Name: "a"} }, ErrSMPPVoice},
		{"sip and all services", func(b *Binding) { b.To, b.Services = Endpoint{Kind: SIP, Name: "a@b"}, SMS|Voice }, nil},
		{"its own party", func(b *Binding) { b.Party = b.Mask }, ErrSelf},
		{"its own destination", func(b *Binding) { b.To.Number = b.Mask }, ErrSelf},
		{"nanoseconds", func(b *Binding) { b.Expires = noon.Add(1) }, ErrExpiry},
		{"long ago", func(b *Binding) { b.Expires = time.Unix(-1, 0) }, ErrExpiry},
		{"far away", func(b *Binding) { b.Expires = noon.AddDate(300, 0, 0) }, ErrExpiry},
		{"carrier of no name", func(b *Binding) { b.Carriers = []string{""} }, ErrCarriers},
		{"carrier twice", func(b *Binding) { b.Carriers = []string{"a", "b", "a"} }, ErrCarriers},
		{"carrier with a bar", func(b *Binding) { b.Carriers = []string{"a|b"} }, ErrCarriers},
		{"too many carriers", func(b *Binding) { b.Carriers = strings.Split(strings.Repeat("a", 33), "") }, ErrCarriers},
		{"tenant with a line end", func(b *Binding) { b.Tenant = "a\nb" }, ErrTenant},
		{"tenant of no UTF-8", func(b *Binding) { b.Tenant = "\xff" }, ErrTenant},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := good
			c.change(&b)
			if err := b.Check(); !errors.Is(err, c.fault) {
				t.Fatalf("fault %v, want %v", err, c.fault)
			}
		})
	}
}

func TestServicesParse(t *testing.T) {
	for _, set := range []Services{SMS, Voice, SMS | Voice} {
		if got, err := ParseServices(set.String()); got != set || err != nil {
			t.Errorf("%s: %v", set, err)
		}
	}
	for _, text := range []string{"", "none", "SMS", "voice+sms", "sms+", "sms,voice"} {
		if _, err := ParseServices(text); !errors.Is(err, ErrServices) {
			t.Errorf("accepted %q", text)
		}
	}
}

func FuzzParseEndpoint(f *testing.F) {
	for _, text := range []string{"tel:+447700900001", "smpp:shop", "sip:a%20b@[::1]:5060", "sip:a@b.c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseEndpoint(text)
		if err != nil {
			return
		}
		if again, err := ParseEndpoint(e.Reveal()); err != nil || again != e {
			t.Fatalf("does not parse back: %v", err)
		}
	})
}
