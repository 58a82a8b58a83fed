package sip

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"maskline/sip/message"
)

// testSecret is what the keys of tests are made of.
var testSecret = message.NewSecret([]byte("0123456789abcdef0123456789abcdef"))

// keyOf is a key of a peer's own, as it writes it.
func keyOf(name string) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(name[:1]), 30))
}

// lineOf is a peer's line of keys.
func lineOf(tag int, name string) string {
	return fmt.Sprintf("a=crypto:%d AES_CM_128_HMAC_SHA1_80 inline:%s\r\n", tag, keyOf(name))
}

// keyed adds a line of keys to a peer's description, secured makes it RTP/SAVP as
// well.
func keyed(text string, tag int, name string) string { return text + lineOf(tag, name) }

func secured(text string, tag int, name string) string {
	return strings.Replace(keyed(text, tag, name), "RTP/AVP", "RTP/SAVP", 1)
}

// theirLine is the place in our offers of the suite that lineOf names.
const theirLine = 4

// sdesBench is a bench whose trunks speak TLS, under these policies.
func sdesBench(t *testing.T, a, z message.SRTPPolicy) *bench {
	t.Helper()
	b := newBench(t)
	for _, tr := range append([]*trunk{b.trunkA}, b.trunks...) {
		tr.over, tr.media.SRTP = overTLS, z
	}
	b.trunkA.media.SRTP = a
	return b
}

// steps plays some, and returns what the last one led to.
func (b *bench) steps(all ...string) (last string) {
	for _, s := range all {
		last = b.step(s)
	}
	return last
}

// checkKeys wants a side's packets under the peer's key and one of ours, which the
// peer was told, or neither.
func (b *bench) checkKeys(side Side, peer string) {
	b.t.Helper()
	k := b.remotes[side].Keys
	if peer == "" {
		if k.Suite != message.NoSuite || len(k.Ours.Reveal())+len(k.Theirs.Reveal()) != 0 {
			b.t.Errorf("side %d has %v", side, k.Suite)
		}
		return
	}
	if k.Suite != message.AES128SHA80 || base64.StdEncoding.EncodeToString(k.Theirs.Reveal()) != keyOf(peer) || len(k.Ours.Reveal()) != 30 {
		b.t.Errorf("side %d has %v, not the key of %s", side, k.Suite, peer)
	}
}

// ours is our key of a side as a description writes it.
func (b *bench) ours(side Side) string {
	return "inline:" + base64.StdEncoding.EncodeToString(b.remotes[side].Keys.Ours.Reveal()) + "\r\n"
}

const (
	off, optional, required = message.SRTPOff, message.SRTPOptional, message.SRTPRequired
)

// TestSDES is which legs of a call get SRTP.
func TestSDES(t *testing.T) {
	plainly := func(s string) string { return s }
	with := func(tag int, name string) func(string) string {
		return func(s string) string { return keyed(s, tag, name) }
	}
	within := func(tag int, name string) func(string) string {
		return func(s string) string { return secured(s, tag, name) }
	}
	cases := []struct {
		name          string
		a, z          message.SRTPPolicy
		offer, answer func(string) string
		keysA, keysB  string // whose key a side has; none: plain RTP
		toB, toA      string // in what the sides are told
	}{
		{"neither", off, off, plainly, plainly, "", "", "RTP/AVP 8", "RTP/AVP 8"},
		{"the caller", required, off, within(5, "a"), plainly, "a", "", "RTP/AVP 8", "RTP/SAVP 8"},
		{"the called side", off, required, plainly, within(theirLine, "b"), "", "b", "RTP/SAVP 8", "RTP/AVP 8"},
		{"both, each with its own", required, required, within(7, "a"), within(theirLine, "b"), "a", "b", "RTP/SAVP 8", "RTP/SAVP 8"},
		{"both, where it may be", optional, optional, with(7, "a"), with(theirLine, "b"), "a", "b", "RTP/AVP 8", "RTP/AVP 8"},
		{"where it may be, and the called side has none", optional, optional, with(7, "a"), plainly, "a", "", "RTP/AVP 8", "RTP/AVP 8"},
		{"where it may be, and nobody has it", optional, optional, plainly, plainly, "", "", "RTP/AVP 8", "RTP/AVP 8"},
		{"where it may be, offered as RTP/SAVP", optional, off, within(7, "a"), plainly, "a", "", "RTP/AVP 8", "RTP/SAVP 8"},
		{"required, offered as RTP/AVP with keys", required, off, with(7, "a"), plainly, "a", "", "RTP/AVP 8", "RTP/AVP 8"},
		{"keys for a trunk that has none", off, off, with(7, "a"), with(theirLine, "b"), "", "", "RTP/AVP 8", "RTP/AVP 8"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := sdesBench(t, c.a, c.z)
			b.offer, b.answer = c.offer(b.offer), c.answer(b.answer)
			if got := b.steps("A INVITE", "B0 200+sdp"); !strings.HasSuffix(got, "A 200+sdp") {
				t.Fatal(got)
			}
			toA, toB := b.last["A"], b.opened["B0"]
			b.checkKeys(SideA, c.keysA)
			b.checkKeys(SideB, c.keysB)
			if !strings.Contains(toB, c.toB) || !strings.Contains(toA, c.toA) {
				t.Errorf("to B:\n%s\nto A:\n%s", toB, toA)
			}
			if c.keysA != "" && (strings.Count(toA, "a=crypto:") != 1 || !strings.HasSuffix(strings.Split(toA, "a=crypto:")[1], b.ours(SideA)+"a=sendrecv\r\n")) {
				t.Errorf("not our one line to A:\n%s", toA)
			}
			if c.keysB != "" && !strings.Contains(toB, fmt.Sprintf("a=crypto:%d AES_CM_128_HMAC_SHA1_80 %s", theirLine, b.ours(SideB))) {
				t.Errorf("not our line to B:\n%s", toB)
			}
			if c.keysA == "" && strings.Contains(toA, "crypto") || c.z == off && strings.Contains(toB, "crypto") {
				t.Errorf("keys for nobody:\n%s\n%s", toB, toA)
			}
			for _, told := range []string{toA, toB} {
				if strings.Contains(told, keyOf("a")) || strings.Contains(told, keyOf("b")) {
					t.Errorf("a peer's key was passed on:\n%s", told)
				}
			}
			if c.keysA != "" && strings.Contains(toB, b.ours(SideA)) || c.keysB != "" && strings.Contains(toA, b.ours(SideB)) {
				t.Error("one leg's key of ours is in the other leg")
			}
		})
	}
}

// TestSDESRefused is what cannot be met.
func TestSDESRefused(t *testing.T) {
	cases := []struct {
		name   string
		a, z   message.SRTPPolicy
		over   transport // of the caller
		change func(b *bench)
		steps  []string
		want   string
	}{
		{"RTP/SAVP where there is none", off, off, overTLS, func(b *bench) { b.offer = secured(b.offer, 1, "a") }, nil, "sdp_media"},
		{"plain where it is required", required, off, overTLS, func(*bench) {}, nil, "sdp_srtp"},
		{"no key that can be used", optional, off, overTLS, func(b *bench) {
			b.offer = strings.Replace(secured(b.offer, 1, "a"), "AES_CM", "XES_CM", 1)
		}, nil, "sdp_crypto"},
		{"required, over UDP", required, off, overUDP, func(b *bench) { b.offer = secured(b.offer, 1, "a") }, nil, "sdp_srtp_insecure"},
		{"fax where it is required", required, off, overTLS, func(b *bench) { b.trunkA.media.Fax, b.offer = true, b.variant(b.offer, "fax") }, nil, "sdp_srtp"},
		{"a plain answer where it is required", off, required, overTLS, func(*bench) {}, []string{"B0 200+sdp"}, "bad_answer"},
		{"an answer by a line that we did not offer", off, required, overTLS, func(b *bench) { b.answer = secured(b.answer, 9, "b") }, []string{"B0 200+sdp"}, "bad_answer"},
		{"an answer of another suite than its line's", off, required, overTLS, func(b *bench) { b.answer = secured(b.answer, 1, "b") }, []string{"B0 200+sdp"}, "bad_answer"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := sdesBench(t, c.a, c.z)
			b.trunkA.over = c.over
			c.change(b)
			got := b.steps(append([]string{"A INVITE"}, c.steps...)...)
			if !strings.HasSuffix(got, "over "+c.want+" 488") {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestSDESOverUDPIsLeftOut(t *testing.T) {
	b := sdesBench(t, optional, off)
	b.trunkA.over = overUDP
	b.offer = keyed(b.offer, 1, "a")
	b.steps("A INVITE", "B0 200+sdp")
	b.checkKeys(SideA, "")
	if strings.Contains(b.last["A"], "crypto") {
		t.Errorf("a key in the clear:\n%s", b.last["A"])
	}
}

// TestSDESChanges holds, changes keys, and takes SRTP back.
func TestSDESChanges(t *testing.T) {
	up := func(t *testing.T, a message.SRTPPolicy) (b *bench, ours string) {
		t.Helper()
		b = sdesBench(t, a, off)
		b.offer = keyed(b.offer, 1, "a")
		b.steps("A INVITE", "B0 200+sdp", "A ACK")
		b.checkKeys(SideA, "a")
		return b, b.ours(SideA)
	}
	t.Run("hold by the side with keys", func(t *testing.T) {
		b, ours := up(t, optional)
		b.steps("A INVITE #20 +hold", "B0 200+held re", "A ACK #20")
		b.checkKeys(SideA, "a")
		if b.ours(SideA) != ours || !strings.Contains(b.last["A"], ours) {
			t.Error("our key changed")
		}
	})
	t.Run("hold by the other side", func(t *testing.T) {
		b, ours := up(t, optional)
		b.step("B0 INVITE #20 +hold")
		if offer := b.last["A"]; strings.Count(offer, "a=crypto:") != 1 || !strings.Contains(offer, "a=crypto:1 ") || !strings.Contains(offer, ours) {
			t.Errorf("not the line that counts:\n%s", offer)
		}
		b.steps("A 200+held re", "B0 ACK #20")
		b.checkKeys(SideA, "a")
		if b.ours(SideA) != ours {
			t.Error("our key changed")
		}
	})
	t.Run("new keys of the side", func(t *testing.T) {
		b, ours := up(t, optional)
		b.offer = strings.Replace(b.offer, keyOf("a"), keyOf("c"), 1)
		b.steps("A INVITE #20 +sdp", "B0 200+sdp re")
		b.checkKeys(SideA, "c")
		if b.ours(SideA) == ours || !strings.Contains(b.last["A"], b.ours(SideA)) {
			t.Error("our key is the one that its former device knows")
		}
	})
	t.Run("new keys that the other side does not get to agree to", func(t *testing.T) {
		b, ours := up(t, optional)
		b.offer = strings.Replace(b.offer, keyOf("a"), keyOf("c"), 1)
		b.steps("A INVITE #20 +moved", "B0 488 re", "A ACK #20")
		b.checkKeys(SideA, "a")
		b.steps("B0 INVITE #20 +hold")
		if !strings.Contains(b.last["A"], ours) {
			t.Error("our key changed")
		}
	})
	t.Run("given up, and taken up again", func(t *testing.T) {
		b, ours := up(t, optional)
		line := lineOf(1, "a")
		b.offer = strings.Replace(b.offer, line, "", 1)
		b.steps("A INVITE #20 +sdp", "B0 200+sdp re", "A ACK #20")
		b.checkKeys(SideA, "")
		b.offer += line
		b.steps("A INVITE #21 +sdp", "B0 200+sdp re", "A ACK #21")
		b.checkKeys(SideA, "a")
		if b.ours(SideA) == ours {
			t.Error("a key was used twice")
		}
	})
	t.Run("given up where it is required", func(t *testing.T) {
		b, _ := up(t, required)
		b.offer = strings.Replace(b.offer, lineOf(1, "a"), "", 1)
		if got := b.step("A INVITE #20 +hold"); got != "A 488" {
			t.Error(got)
		}
	})
	t.Run("given up in an answer where it is required", func(t *testing.T) {
		b, _ := up(t, required)
		b.step("B0 INVITE #20 +hold")
		b.offer = strings.Replace(b.offer, lineOf(1, "a"), "", 1)
		if got := b.step("A 200+held re"); !strings.HasSuffix(got, "over bad_answer 200") {
			t.Error(got)
		}
	})
	t.Run("without an offer", func(t *testing.T) {
		b, ours := up(t, optional)
		b.step("A INVITE #20")
		b.step("B0 200+sdp re")
		if offer := b.last["A"]; !strings.Contains(offer, "a=crypto:1 ") || !strings.Contains(offer, ours) {
			t.Errorf("not the line that counts:\n%s", offer)
		}
		b.step("A ACK #20 +moved")
		b.checkKeys(SideA, "a")
		if b.ours(SideA) != ours {
			t.Error("our key changed")
		}
	})
}

// TestSDESDelayed begins without an offer.
func TestSDESDelayed(t *testing.T) {
	b := sdesBench(t, required, required)
	b.delayed = true
	b.answer = secured(b.answer, 2, "b")
	b.offer = secured(b.offer, theirLine, "a")
	b.steps("A INVITE", "B0 200+sdp")
	if offer := b.last["A"]; strings.Count(offer, "a=crypto:") != len(message.OfferedSuites()) || !strings.Contains(offer, "RTP/SAVP 8") {
		t.Errorf("not our offer:\n%s", offer)
	}
	if got := b.step("A ACK +sdp"); !strings.Contains(got, "B0 ACK+sdp") {
		t.Fatal(got)
	}
	b.checkKeys(SideA, "a")
	b.checkKeys(SideB, "b")
	if answer := b.last["B0"]; !strings.Contains(answer, "a=crypto:2 AES_CM_128_HMAC_SHA1_80 "+b.ours(SideB)) || strings.Contains(answer, keyOf("a")) {
		t.Errorf("not our answer:\n%s", answer)
	}
}

// TestSDESFailover gives each candidate keys of its own, or none.
func TestSDESFailover(t *testing.T) {
	b := sdesBench(t, off, required)
	b.trunks[1].media.SRTP = optional
	b.answer = keyed(b.answer, theirLine, "b")
	b.steps("A INVITE", "B0 503", "B1 200+sdp")
	b.checkKeys(SideB, "b")
	first, second := b.opened["B0"], b.opened["B1"]
	if !strings.Contains(first, "RTP/SAVP") || strings.Contains(second, "RTP/SAVP") {
		t.Errorf("not as each wants it:\n%s\n%s", first, second)
	}
	for _, line := range strings.Split(second, "\r\n") {
		if _, key, found := strings.Cut(line, "inline:"); found && strings.Contains(first, key) {
			t.Error("the first candidate knows a key of the second")
		}
	}
}

// TestSDESForks has another device answer than the one whose early media came.
func TestSDESForks(t *testing.T) {
	b := sdesBench(t, off, optional)
	own := b.answer
	b.answer = keyed(own, theirLine, "b")
	b.steps("A INVITE", "B0 183+sdp tag-1")
	b.checkKeys(SideB, "b")
	ours := b.ours(SideB)
	b.answer = keyed(own, theirLine, "d")
	b.step("B0 200+sdp tag-2")
	b.checkKeys(SideB, "d")
	if b.ours(SideB) != ours {
		t.Error("our key is not the one of our offer")
	}
}

// TestSDESAnnouncement speaks to a caller with SRTP.
func TestSDESAnnouncement(t *testing.T) {
	b := sdesBench(t, required, off)
	b.offer = secured(b.offer, 1, "a")
	b.routed = evRouted{refused: &refusal{404, 1, "unknown_mask"}, announce: Announcement{Prompt: "unknown"}}
	b.step("A INVITE")
	b.checkKeys(SideA, "a")
	if told := b.last["A"]; !strings.Contains(told, "RTP/SAVP 8\r\n") || !strings.Contains(told, b.ours(SideA)) {
		t.Errorf("not told of the keys:\n%s", told)
	}
}
