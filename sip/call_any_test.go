package sip

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestAnyOrder gives calls messages in orders that no peer with manners would send,
// from legs that are dead, to requests that were never sent. Nothing may break, and
// everything must end.
func TestAnyOrder(t *testing.T) {
	const seeds, steps = 2000, 40
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 3))
		b := newBench(t)
		anySetUp(b, r)
		var trace []string
		count := map[string]int{}
		do := func(in string) {
			trace = append(trace, in)
			defer func() {
				if fault := recover(); fault != nil {
					t.Fatalf("seed %d: %v\n%s", seed, fault, strings.Join(trace, "\n"))
				}
			}()
			got := b.step(in)
			trace = append(trace, "  "+got)
			for one := range strings.SplitSeq(got, ", ") {
				count[strings.Fields(one + " .")[0]]++
			}
		}
		do("A INVITE")
		if seed%3 > 0 && b.opened["B0"] != "" {
			do("B0 200+sdp")
			do("key 1")
			do("A ACK +sdp")
		}
		for i := range steps {
			if in := anyStep(b, r, 10+2*i-r.IntN(4)); in != "" {
				do(in)
			}
		}
		do("end drain")
		do("5m")
		switch {
		case count["over"] != 1 || count["gone"] != 1:
			t.Fatalf("seed %d: %v\n%s", seed, count, strings.Join(trace, "\n"))
		case count["attempt"] != count["begin"] || count["report"] != count["begin"]:
			t.Fatalf("seed %d: %v\n%s", seed, count, strings.Join(trace, "\n"))
		}
	}
}

func anySetUp(b *bench, r *rand.Rand) {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	b.delayed = r.IntN(5) == 0
	b.headers = one("", "Supported: 100rel\r\n", "Supported: 100rel, timer\r\nSession-Expires: 90\r\n", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n")
	b.allow = one("", "Allow: UPDATE, INFO\r\n", "Allow: INVITE\r\n")
	if r.IntN(4) == 0 {
		b.routed.accept = time.Minute
	}
	if r.IntN(4) == 0 {
		b.routed.announce = Announcement{Prompt: "unreachable", Answer: r.IntN(2) == 0}
	}
	if r.IntN(3) == 0 {
		for _, tr := range append(b.trunks, b.trunkA) {
			tr.over = overTCP
		}
	}
	if r.IntN(3) == 0 {
		b.trunks[0].auth, _ = newAuthorizer(AuthOut{Username: authUser, Password: authPassword, Realm: authRealm}, "")
	}
}

// anyStep is a step that the bench can do now; empty: none.
func anyStep(b *bench, r *rand.Rand, number int) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	side := one("A", "A", "B0", "B0", "B1")
	body := one("", "", " +sdp", " +hold", " +codec", " +two", " +bad", " +junk", " +zero")
	cseq := fmt.Sprintf(" #%d", number)
	acknowledged := ""
	if n, _, ok := strings.Cut(header(b.last[side], "CSeq"), " INVITE"); ok {
		acknowledged = " #" + n
	}
	switch r.IntN(12) {
	case 0:
		return one("100ms", "600ms", "2s", "5s", "20s", "45s", "key 1", "played", side+" icmp", "A INVITE")
	case 1:
		return one("A CANCEL", "A PRACK rack", "A PRACK rack +sdp", "A PRACK rack next with-new-offer", "A PRACK rack next with-offer", "A ACK", "A ACK", "A ACK +sdp", "")
	}
	if side != "A" && b.opened[side] == "" {
		return ""
	}
	header := one("", "", " h:Session-Expires:_90;refresher=uac", " h:Session-Expires:_90;refresher=uas", " h:Min-SE:_3600",
		" h:WWW-Authenticate:_"+strings.ReplaceAll(askMD5, " ", "_"), " no-contact")
	code := one("100", "180", "183", "200", "200", "200", "401", "408", "422", "481", "488", "491", "500", "503")
	sdp := one("", "+sdp", "+sdp", "+hold", "+codec", "+moved", "+bad", "+junk")
	switch r.IntN(9) {
	case 0:
		return side + " " + one("INVITE", "UPDATE") + cseq + body
	case 1:
		return side + " ACK" + acknowledged + body
	case 2:
		return side + " " + one("INFO", "INFO", "OPTIONS", "REFER", "PRACK", "CANCEL") + cseq + one("", " key-5")
	case 3:
		if r.IntN(6) > 0 {
			return ""
		}
		return side + " BYE" + cseq
	case 4:
		if b.asked[side] == "" {
			return ""
		}
		return side + " lost"
	case 5, 6:
		if b.asked[side] == "" {
			return ""
		}
		return side + " " + code + sdp + " re" + header
	default:
		if side == "A" {
			return ""
		}
		return side + " " + code + sdp + header + one("", "", "", " tag-2", " rseq-1", " rseq-2")
	}
}
