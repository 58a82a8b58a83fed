package message

import (
	"strings"
	"testing"
	"time"
)

func TestExtensionsAreRead(t *testing.T) {
	cases := []struct {
		name, headers string
		want          Extensions
	}{
		{"none", "X-Real: 1", Extensions{}},
		{"supported", "Supported: 100rel , TIMER, replaces", Extensions{Supported: Reliable | Timer}},
		{"supported, twice and compact", "k: timer\nSupported: 100rel", Extensions{Supported: Reliable | Timer}},
		{"required", "Require: 100rel", Extensions{Required: Reliable}},
		{"RSeq", "RSeq: 4294967295", Extensions{RSeq: 1<<32 - 1}},
		{"RSeq too large", "RSeq: 4294967296", Extensions{}},
		{"RAck", "RAck: 7  1 INVITE", Extensions{RAck: RAck{7, 1, "INVITE"}}},
		{"RAck cut short", "RAck: 7 1", Extensions{}},
		{"RAck of no number", "RAck: -7 1 INVITE", Extensions{RAck: RAck{0, 1, "INVITE"}}},
		{"session timer", "Session-Expires: 1800;refresher=uas", Extensions{Expires: 1800 * time.Second, Refresher: UAS}},
		{"session timer, compact and odd", "x: 90 ; a=b ; Refresher = UAC", Extensions{Expires: 90 * time.Second, Refresher: UAC}},
		{"session timer, no number", "Session-Expires: soon;refresher=them", Extensions{}},
		{"Min-SE", "Min-SE: 120;x=y", Extensions{MinSE: 2 * time.Minute}},
		{"early media", "P-Early-Media: sendonly, gated, inactive, unheard", Extensions{EarlyMedia: EarlySendOnly | EarlyGated}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := goodRequest(t, strings.NewReplacer("INVITE", "PRACK", "CSeq:", strings.ReplaceAll(c.headers, "INVITE", "INV")+"\nCSeq:").Replace(strings.Split(invite, "Content-Type")[0])+"\n")
			got := r.Extensions()
			got.RAck.Method = strings.Replace(got.RAck.Method, "INV", "INVITE", 1)
			if got != c.want {
				t.Fatalf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestExtensionsAreWritten(t *testing.T) {
	cases := []struct {
		e    Extensions
		want string
	}{
		{Extensions{}, ""},
		{Extensions{Supported: Timer, Required: Reliable}, "Require: 100rel|Supported: timer|"},
		{Extensions{Supported: Reliable | Timer}, "Supported: 100rel, timer|"},
		{Extensions{RSeq: 9}, "RSeq: 9|"},
		{Extensions{RAck: RAck{9, 1, "INVITE"}}, "RAck: 9 1 INVITE|"},
		{Extensions{Expires: time.Hour, MinSE: 90 * time.Second}, "Session-Expires: 3600|Min-SE: 90|"},
		{Extensions{Expires: time.Hour, Refresher: UAC}, "Session-Expires: 3600;refresher=uac|"},
		{Extensions{EarlyMedia: EarlySupported}, "P-Early-Media: supported|"},
		{Extensions{EarlyMedia: EarlyGated | EarlySendRecv}, "P-Early-Media: sendrecv, gated|"},
	}
	for _, c := range cases {
		if got := strings.ReplaceAll(string(c.e.append(nil)), "\r\n", "|"); got != c.want {
			t.Errorf("%+v: %q, want %q", c.e, got, c.want)
		}
	}
	if got := (Reliable | Timer).Unsupported(); got != "Unsupported: 100rel, timer" {
		t.Error(got)
	}
}
