package sip

import (
	"strings"
	"testing"
)

// TestChallengedInsideTheDialog has the called side ask a digest for a re-INVITE
// and for a key press.
func TestChallengedInsideTheDialog(t *testing.T) {
	b := newBed(t, withAuthOut)
	alice, bob := b.caller, b.callees[0]
	d := b.connect(alice, "one")

	hold := strings.Replace(alice.inDialog("INVITE", d.answer, 2), "Content-Length: 0\r\n\r\n", "", 1)
	alice.send(withBody(hold+"Contact: <sip:"+alice.addr.String()+">\r\n", alice.sdp()+"a=sendonly\r\n"))
	first := bob.expect("INVITE ")
	bob.ask(first, 401, askMD5)
	if ack := bob.expect("ACK "); header(ack, "Via") != header(first, "Via") {
		t.Errorf("not the refused INVITE's:\n%s", ack)
	}
	again := bob.expect("INVITE ")
	if got := proof(t, again); got.Nonce != "n1" || header(again, "CSeq") != "3 INVITE" || !strings.Contains(again, "a=sendonly") {
		t.Errorf("%+v in\n%s", got, again)
	}
	bob.send(bob.reply(again, 200, bob.sdp()+"a=recvonly\r\n"))
	if ack := bob.expect("ACK "); header(ack, "Authorization") != header(again, "Authorization") || header(ack, "CSeq") != "3 ACK" {
		t.Errorf("not the credentials of the INVITE:\n%s", ack)
	}
	if answer := alice.expect("SIP/2.0 200"); !strings.Contains(answer, "a=recvonly") {
		t.Errorf("not the answer:\n%s", answer)
	}
	alice.send(alice.inDialog("ACK", d.answer, 2))

	key := strings.Replace(alice.inDialog("INFO", d.answer, 3), "Content-Length: 0\r\n\r\n", "", 1)
	alice.send(strings.Replace(withBody(key, "Signal=5\r\nDuration=160\r\n"), "application/sdp", "application/dtmf-relay", 1))
	info := bob.expect("INFO ")
	proof(t, info) // by the challenge that is known
	bob.ask(info, 407, strings.Replace(askMD5, "n1", "n2", 1))
	if got := proof(t, bob.expect("INFO ")); got.Nonce != "n2" {
		t.Errorf("%+v", got)
	}
}

// TestChallengeOfTheCallerInsideTheDialog gives the caller's side no credentials.
func TestChallengeOfTheCallerInsideTheDialog(t *testing.T) {
	b := newBed(t, withAuthOut)
	alice, bob := b.caller, b.callees[0]
	d := b.connect(alice, "one")
	hold := strings.Replace(bob.toDialog("INVITE", d.invite, 2), "Content-Length: 0\r\n\r\n", "", 1)
	bob.send(withBody(hold+"Contact: <sip:"+bob.addr.String()+">\r\n", bob.sdp()+"a=sendonly\r\n"))
	alice.ask(alice.expect("INVITE "), 401, askMD5)
	alice.expect("ACK ")
	bob.expect("SIP/2.0 500")
	alice.silence()
}
