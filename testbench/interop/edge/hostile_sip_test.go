//go:build peers

package edge

import (
	"crypto/rand"
	"strings"
	"testing"
)

func sipAttacks() []attack {
	dropped := func(reason string) string { return `maskline_sip_dropped_total{reason="` + reason + `"}` }
	fault := func(name string) string { return `maskline_sip_faults_total{fault="` + name + `"}` }
	return []attack{
		{
			input: "SIP, a good INVITE from a source on no list", answer: "none",
			counter: dropped("stranger"), times: 100, each: 1, make: strangers,
		},
		{
			input: "SIP, a datagram of 60 KB of quoted parameters", answer: "none",
			counter: dropped("too_large"), times: 100, each: 1, make: unheard(quotedParameters(60_000)),
		},
		{
			input: "SIP, a datagram of 7 KB of quoted parameters", answer: "none",
			counter: dropped("line_too_long"), times: 100, each: 1, make: unheard(quotedParameters(7000)),
		},
		{
			input: "SIP, a header of 17 quoted parameters", answer: "none",
			counter: dropped("too_many_params"), times: 100, each: 1, make: unheard(quotedParameters(17 * len(quotedParameter))),
		},
		{
			input: "SIP, an INVITE without To", answer: "400",
			counter: fault("no_to"), times: 100, each: 1, make: rejected(without("To: ")),
		},
		{
			input: "SIP, an INVITE with two Content-Lengths", answer: "400",
			counter: fault("repeated_content_length"), times: 100, each: 1,
			make: rejected(func(lines []string) []string { return append(lines, "Content-Length: 4") }),
		},
		{
			input: "SIP, an INVITE whose CSeq says BYE", answer: "400",
			counter: fault("cseq_method"), times: 100, each: 1,
			make: rejected(func(lines []string) []string { return append(without("CSeq: ")(lines), "CSeq: 1 BYE") }),
		},
	}
}

const quotedParameter = `;a="\"b\""`

func quotedParameters(size int) func([]string) []string {
	return func(lines []string) []string {
		return append(lines, "X-Parameters: <sip:a@example.com>"+strings.Repeat(quotedParameter, size/len(quotedParameter)))
	}
}

func without(start string) func([]string) []string {
	return func(lines []string) []string {
		var kept []string
		for _, line := range lines {
			if !strings.HasPrefix(line, start) {
				kept = append(kept, line)
			}
		}
		return kept
	}
}

// spoiled is an INVITE that was good before change.
func spoiled(h *hostile, change func([]string) []string) string {
	l := &leg{
		p: h.caller, callID: rand.Text(), cseq: 1,
		local:  "<sip:" + guest.Reveal() + "@" + local(h.caller.sip).String() + ">;tag=" + rand.Text(),
		target: "sip:" + guestDials.Reveal() + "@" + h.caller.edge.String(),
	}
	l.remote = "<" + l.target + ">"
	good := l.request("INVITE", "z9hG4bK"+rand.Text(), h.caller.offer("-"), "Contact: <sip:a@"+local(h.caller.sip).String()+">")
	head, body, _ := strings.Cut(good, "\r\n\r\n")
	return strings.Join(change(strings.Split(head, "\r\n")), "\r\n") + "\r\n\r\n" + body
}

// unheard sends a spoiled INVITE and wants no answer: the next thing to come
// answers an OPTIONS that was sent after it.
func unheard(change func([]string) []string) func(*testing.T, *hostile) {
	return func(t *testing.T, h *hostile) {
		h.caller.send(spoiled(h, change))
		l := &leg{
			p: h.caller, callID: rand.Text(), cseq: 1, target: "sip:" + h.caller.edge.String(),
			local: "<sip:a@example.com>;tag=" + rand.Text(), remote: "<sip:b@example.com>",
		}
		h.caller.send(l.request("OPTIONS", "z9hG4bK"+rand.Text(), ""))
		if m := h.caller.await("SIP/2.0 "); !strings.HasPrefix(m.start, "SIP/2.0 200") || m.header("Call-ID") != l.callID {
			t.Fatalf("answered with %q", m.start)
		}
	}
}

// rejected sends a spoiled INVITE and wants a 400.
func rejected(change func([]string) []string) func(*testing.T, *hostile) {
	return func(t *testing.T, h *hostile) {
		h.caller.send(spoiled(h, change))
		if m := h.caller.await("SIP/2.0 "); !strings.HasPrefix(m.start, "SIP/2.0 400 ") {
			t.Fatalf("answered with %q", m.start)
		}
	}
}

// strangers sends what would be answered, had a trunk sent it.
func strangers(_ *testing.T, h *hostile) {
	h.third.send(spoiled(h, func(good []string) []string { return good }))
	unheard(func([]string) []string { return []string{"", ""} })(h.t, h)
}
