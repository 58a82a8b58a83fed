package sip

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// place is one where a number may stand, as docs/sip-reference.md names it.
type place struct {
	docs  string
	plant func(m *leakMessage, number string)
}

// leakMessage is a message in parts, so that something can be planted anywhere.
type leakMessage struct {
	start string
	lines []string
	body  string
	kind  string // of the body
}

func takeApart(text string) *leakMessage {
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	m := &leakMessage{body: body, kind: "application/sdp"}
	for i, line := range strings.Split(head, "\r\n") {
		switch {
		case i == 0:
			m.start = line
		case strings.HasPrefix(line, "Content-Type: "):
			m.kind = line[len("Content-Type: "):]
		case strings.HasPrefix(line, "Content-"):
		default:
			m.lines = append(m.lines, line)
		}
	}
	return m
}

func (m *leakMessage) String() string {
	text := m.start + "\r\n" + strings.Join(m.lines, "\r\n") + "\r\n"
	if m.body != "" {
		text += "Content-Type: " + m.kind + "\r\n"
	}
	return text + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(m.body), m.body)
}

// change edits the lines of a header.
func (m *leakMessage) change(name, old, with string) {
	for i, line := range m.lines {
		if strings.HasPrefix(line, name+": ") {
			m.lines[i] = strings.Replace(line, old, with, 1)
		}
	}
}

func adds(lines ...string) func(*leakMessage, string) {
	return func(m *leakMessage, number string) {
		for _, line := range lines {
			m.lines = append(m.lines, strings.ReplaceAll(line, "NUM", number))
		}
	}
}

func describes(line string) func(*leakMessage, string) {
	return func(m *leakMessage, number string) {
		line := strings.ReplaceAll(line, "NUM", number)
		switch line[:2] {
		case "o=", "s=": // in place of the one that is there
			at := strings.Index(m.body, line[:2])
			if at >= 0 {
				end := strings.Index(m.body[at:], "\r\n")
				m.body = m.body[:at] + line + m.body[at+end:]
			}
		case "i=", "u=", "e=", "p=":
			m.body = strings.Replace(m.body, "c=IN", line+"\r\nc=IN", 1)
		case "b=":
			m.body = strings.Replace(m.body, "t=0 0", line+"\r\nt=0 0", 1)
		case "r=", "z=", "k=":
			m.body = strings.Replace(m.body, "t=0 0\r\n", "t=0 0\r\n"+line+"\r\n", 1)
		default:
			m.body = strings.Replace(m.body, "t=0 0\r\n", "t=0 0\r\n"+line+"\r\n", 1)
			if m.body != "" {
				m.body += line + "\r\n"
			}
		}
	}
}

// leakPlaces are all rows of the table "What crosses", in its order.
func leakPlaces() []place {
	isRequest := func(m *leakMessage) bool { return !strings.HasPrefix(m.start, "SIP/2.0 ") }
	isFirst := func(m *leakMessage) bool {
		return strings.HasPrefix(m.start, "INVITE ") && !strings.Contains(strings.Join(m.lines, "\n"), ";tag=sip")
	}
	return []place{
		{"Request-URI", func(m *leakMessage, n string) {
			if strings.HasPrefix(m.start, "INVITE ") {
				m.start = strings.Replace(m.start, "@edge", ";npdi;rn=+"+n+"@edge;user=phone;x="+n, 1)
			}
		}},
		{"From, To", func(m *leakMessage, n string) {
			m.change("From", "<sip:", `"`+n+`" <sip:`)
			if isFirst(m) {
				m.change("From", "@home", "@"+n+".example")
				m.change("To", "<sip:", `"+`+n+`" <sip:`)
			}
		}},
		{"tags", func(m *leakMessage, n string) {
			if isFirst(m) {
				m.change("From", "tag=", "tag="+n)
			} else if !isRequest(m) && !strings.Contains(m.String(), ";tag=b"+n) { // an answer inside the dialog has it
				m.change("To", ";tag=b", ";tag=b"+n)
			}
		}},
		{"Via", func(m *leakMessage, n string) {
			if isRequest(m) {
				m.change("Via", "branch=z9hG4bK", "branch=z9hG4bK"+n)
				m.lines = append(m.lines, "Via: SIP/2.0/UDP "+n+".example;branch=z9hG4bKinner"+n)
			}
		}},
		{"Contact", func(m *leakMessage, n string) { m.change("Contact", "<sip:", "\"+"+n+"\" <sip:+"+n+";x=") }},
		{"Route, Record-Route", adds("Record-Route: <sip:+NUM@host.example;lr;did=NUM>")},
		{"Call-ID", func(m *leakMessage, n string) {
			if isFirst(m) {
				m.change("Call-ID", ": ", ": "+n+"@")
			}
		}},
		{"P-Asserted-Identity", adds(`P-Asserted-Identity: "NUM" <sip:+NUM@home>, <tel:+NUM>`)},
		{"P-Preferred-Identity", adds("P-Preferred-Identity: <sip:+NUM@home>")},
		{"Remote-Party-ID", adds(`Remote-Party-ID: "NUM" <sip:+NUM@home>;party=calling;privacy=off`)},
		{"Privacy", adds("Privacy: id;user;NUM")},
		{"Diversion, History-Info", adds("Diversion: <sip:+NUM@home>;reason=unconditional", "History-Info: <sip:+NUM@home?Reason=SIP%3Bcause%3D302>;index=1")},
		{"Referred-By, Refer-To, Replaces, Join, Target-Dialog, In-Reply-To", adds(
			"Referred-By: <sip:+NUM@home>", "Refer-To: <sip:+NUM@home>", "Replaces: NUM;to-tag=NUM;from-tag=NUM",
			"Join: NUM;to-tag=1;from-tag=2", "Target-Dialog: NUM;local-tag=1;remote-tag=2", "In-Reply-To: NUM@home")},
		{"Identity, Identity-Info", func(m *leakMessage, n string) {
			token := base64.RawURLEncoding.EncodeToString([]byte(`{"orig":{"tn":"` + n + `"},"dest":{"tn":["` + n + `"]}}`))
			m.lines = append(m.lines, "Identity: e30."+token+".c2ln;info=<https://cert.example/"+n+">;alg=ES256;ppt=shaken", "Identity-Info: <https://x.example/"+n+">")
		}},
		{"Reason", adds(`Reason: Q.850;cause=17;text="+NUM is busy", SIP;cause=200;text="NUM"`)},
		{"Warning, Error-Info", adds(`Warning: 399 NUM.example "+NUM left"`, "Error-Info: <sip:+NUM@home>")},
		{"Retry-After", adds("Retry-After: 0 (call +NUM);duration=1")},
		{"User-to-User", adds("User-to-User: NUM;encoding=hex")},
		{"Subject, Organization, Date, Priority", adds("Subject: from NUM", "Organization: NUM", "Date: NUM", "Priority: NUM")},
		{"Alert-Info, Call-Info", adds("Alert-Info: <https://x.example/NUM>", "Call-Info: <https://x.example/NUM>;purpose=icon")},
		{"P-Charging-Vector, P-Called-Party-ID, P-Associated-URI, P-Visited-Network-ID", adds(
			"P-Charging-Vector: icid-value=NUM;orig-ioi=NUM", "P-Called-Party-ID: <sip:+NUM@home>", "P-Associated-URI: <sip:+NUM@home>", "P-Visited-Network-ID: NUM")},
		{"Geolocation, Geolocation-Routing, P-Access-Network-Info", adds("Geolocation: <sip:+NUM@home>", "Geolocation-Routing: NUM", "P-Access-Network-Info: 3GPP-E-UTRAN;utran-cell-id-3gpp=NUM")},
		{"Session-ID, Accept-Contact, Reject-Contact, Request-Disposition", adds("Session-ID: NUM;remote=NUM", "Accept-Contact: *;x=NUM", "Reject-Contact: *;x=NUM", "Request-Disposition: no-fork")},
		{"Authorization, Proxy-Authorization, WWW-Authenticate, Proxy-Authenticate", adds(
			`Authorization: Digest username="NUM", realm="NUM", nonce="1", uri="sip:NUM@x", response="2"`, `Proxy-Authorization: Digest username="NUM"`,
			`WWW-Authenticate: Digest realm="NUM", nonce="1"`, `Proxy-Authenticate: Digest realm="NUM", nonce="1"`)},
		{"User-Agent, Server", adds("User-Agent: phone of NUM", "Server: NUM")},
		{"X-, P- and all other headers", adds("X-Real-Number: NUM", "P-Odd: NUM", "NUM: NUM", "Remote-Number: NUM")},
		{"reason phrase", func(m *leakMessage, n string) {
			if !isRequest(m) {
				m.start = strings.TrimSuffix(m.start, "x") + "ask +" + n
			}
		}},
		{"o=", describes("o=NUM NUM 1 IN IP4 127.0.0.1")},
		{"s=, i=, u=, e=, p=, t=, r=, z=, k=, b=", func(m *leakMessage, n string) {
			for _, line := range []string{"s=NUM", "i=NUM", "u=https://x.example/NUM", "e=NUM@home", "p=+NUM", "b=AS:NUM", "k=clear:NUM", "z=NUM -1h", "r=NUM 1 1"} {
				describes(line)(m, n)
			}
		}},
		{"a=", func(m *leakMessage, n string) {
			for _, line := range []string{
				"a=rtpmap:8 PCMA/NUM", "a=fmtp:8 mode=NUM;x=NUM", "a=ssrc:NUM cname:NUM", "a=label:NUM", "a=tool:NUM", "a=ptime:NUM",
				"a=candidate:1 1 UDP NUM 127.0.0.1 9 typ host", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:NUM", "a=ice-ufrag:NUM", "a=NUM",
			} {
				describes(line)(m, n)
			}
		}},
		{"bodies other than SDP", func(m *leakMessage, n string) {
			if m.body != "" {
				part := "\r\n--p\r\nContent-Type: application/"
				m.body = "--p\r\nContent-Type: application/sdp\r\n\r\n" + m.body +
					part + "isup\r\nContent-Disposition: signal;handling=optional\r\n\r\n" + n +
					part + "pidf+xml\r\nContent-ID: <" + n + "@home>\r\nContent-Disposition: render;handling=optional\r\n\r\n" + n + "\r\n--p--\r\n"
				m.kind = "multipart/mixed;boundary=p"
			}
		}},
		{"further m= lines", describes("m=image 30000 udptl t38\r\na=T38VendorInfo:NUM")},
	}
}
