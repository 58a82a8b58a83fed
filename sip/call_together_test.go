package sip

import (
	"strings"
	"testing"
)

// TestDeclinedOfferWithKeys has an offer with keys and a shared port that nobody
// answers get a valid answer, under a key that nothing is ever sent with.
func TestDeclinedOfferWithKeys(t *testing.T) {
	b := sdesBench(t, required, required)
	b.trunks[0].media.Mux = true
	b.delayed = true
	b.answer = secured(b.answer, 2, "b") + "a=rtcp-mux\r\n"
	b.steps("A INVITE", "B0 200+sdp")
	var ack string
	for _, a := range b.call.handle(b.event([]string{"A", "BYE"}), b.now) {
		if a, ok := a.(actSend); ok && a.method == "ACK" {
			ack = string(a.data)
		}
	}
	for _, want := range []string{"m=audio 20002 RTP/SAVP 8", "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:", "a=rtcp-mux\r\n", "a=inactive\r\n"} {
		if !strings.Contains(ack, want) {
			t.Errorf("no %q in\n%s", want, ack)
		}
	}
	if strings.Contains(ack, keyOf("b")) {
		t.Error("its own key came back")
	}
}

// TestEarlyOfferWithKeys passes an offer in a reliable 183 and its answer in the PRACK:
// each side has keys of its own, and a shared port where it wants one.
func TestEarlyOfferWithKeys(t *testing.T) {
	b := sdesBench(t, required, required)
	agreeing(b)
	b.trunkA.media.Mux, b.trunks[0].media.Mux = true, true
	b.delayed = true
	b.answer = secured(b.answer, 2, "b") + "a=rtcp-mux\r\n"
	b.offer = secured(b.offer, theirLine, "a")
	b.steps("A INVITE", "B0 183+sdp rseq-1")
	if offer := b.last["A"]; !strings.Contains(offer, "RTP/SAVP 8") || !strings.Contains(offer, "a=rtcp-mux\r\n") || strings.Contains(offer, keyOf("b")) {
		t.Errorf("not our offer:\n%s", offer)
	}
	if got := b.step("A PRACK rack +sdp"); !strings.Contains(got, "B0 PRACK+sdp") {
		t.Fatal(got)
	}
	b.checkKeys(SideA, "a")
	b.checkKeys(SideB, "b")
	if b.remotes[SideA].Mux || !b.remotes[SideB].Mux {
		t.Errorf("shared ports: A %v, B %v", b.remotes[SideA].Mux, b.remotes[SideB].Mux)
	}
	if answer := b.last["B0"]; !strings.Contains(answer, "a=crypto:2 AES_CM_128_HMAC_SHA1_80 "+b.ours(SideB)) || !strings.Contains(answer, "a=rtcp-mux\r\n") || strings.Contains(answer, keyOf("a")) {
		t.Errorf("not our answer:\n%s", answer)
	}
}
