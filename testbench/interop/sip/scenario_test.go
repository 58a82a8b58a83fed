//go:build peers

package sip

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A scenario of SIPp is written here from steps where a whole file for each would
// hide what is different in it. The number of the side stands wherever a header lets
// it, as in the files of testdata.

// inline writes a scenario for run.scenario.
func inline(t *testing.T, name string, steps ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), strings.ReplaceAll(name, " ", "_"))
	body := strings.Join(steps, "\n")
	text := `<?xml version="1.0" encoding="UTF-8"?>` + "\n<scenario name=\"" + name + "\">\n" + body + "\n"
	var kept []string // SIPp wants each variable used
	for _, match := range regexp.MustCompile(`assign_to="(\w+)"`).FindAllStringSubmatch(body, -1) {
		if !slices.Contains(kept, match[1]) {
			kept = append(kept, match[1])
		}
	}
	if len(kept) > 0 {
		text += `<Reference variables="` + strings.Join(kept, ",") + `"/>` + "\n"
	}
	text += "</scenario>\n"
	if err := os.WriteFile(path+".xml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const stream = `v=0
o=[real] 1 1 IN IP[local_ip_type] [local_ip]
s=[real]
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio %s RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
`

// described is a body with a session description on the given port.
func described(port string) string {
	return "Content-Type: application/sdp\nContent-Length: [len]\n\n" + fmt.Sprintf(stream, port)
}

const (
	noBody = "Content-Length: 0\n\n"
	ours   = "[media_port]"
)

func message(attributes, text string) string {
	return "<send " + attributes + "><![CDATA[\n" + text + "]]></send>"
}

func lines(headers []string) string {
	text := ""
	for _, h := range headers {
		text += h + "\n"
	}
	return text
}

// dials is the caller's INVITE.
func dials(headers ...string) string {
	return message(`retrans="500"`, `INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: "[real]" <sip:[real]@home.example>;tag=[pid]caller[call_number]
To: <sip:[service]@edge.example>
Call-ID: [real]///[call_id]
CSeq: 1 INVITE
Contact: "[real]" <sip:[real]@[local_ip]:[local_port]>
P-Asserted-Identity: "[real]" <tel:[real]>
X-Real: [real]
Subject: call from [real]
User-Agent: phone of [real]
`+lines(headers)+described(ours))
}

// asks is a request of the caller inside the dialog.
func asks(attributes, method string, cseq int, body string, headers ...string) string {
	return message(attributes, fmt.Sprintf(`%s [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
[last_From:]
[last_To:]
Call-ID: [real]///[call_id]
CSeq: %d %s
Contact: "[real]" <sip:[real]@[local_ip]:[local_port]>
User-Agent: phone of [real]
`, method, cseq, method)+lines(headers)+body)
}

// cancels is the caller's CANCEL.
func cancels(branch string) string {
	return message(`retrans="500"`, `CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=`+branch+`
Max-Forwards: 70
From: "[real]" <sip:[real]@home.example>;tag=[pid]caller[call_number]
To: <sip:[service]@edge.example>
Call-ID: [real]///[call_id]
CSeq: 1 CANCEL
Content-Length: 0

`)
}

// gets waits for a response or request; checks are "Header: pattern", and "Header=$name"
// keeps a header's value.
func gets(what string, checks ...string) string {
	attributes, actions := `response="`+what+`" rrs="true"`, ""
	if what[0] > '9' {
		attributes = `request="` + what + `" rrs="true"`
	}
	for i, c := range checks {
		switch {
		case c == "optional":
			attributes = strings.Replace(attributes, ` rrs="true"`, ` optional="true"`, 1)
		case strings.Contains(c, "=$"):
			header, name, _ := strings.Cut(c, "=$")
			actions += fmt.Sprintf(`<ereg regexp="[^ ].*" search_in="hdr" header="%s:" assign_to="%s"/>`, header, name)
		default:
			header, pattern, _ := strings.Cut(c, ": ")
			actions += fmt.Sprintf(`<ereg regexp="%s" search_in="hdr" header="%s:" check_it="true" assign_to="check%d"/>`, pattern, header, i)
		}
	}
	if actions == "" {
		return "<recv " + attributes + "/>"
	}
	return "<recv " + attributes + "><action>" + actions + "</action></recv>"
}

// isCalled waits for the INVITE and keeps what its answers repeat.
func isCalled(checks ...string) string {
	return gets("INVITE", append([]string{"Via=$via", "To=$to", "CSeq=$cseq", "From=$from"}, checks...)...)
}

// answers is the called side's response to the INVITE.
func answers(attributes string, code int, tag, body string, headers ...string) string {
	return message(attributes, fmt.Sprintf(`SIP/2.0 %d Call of [real]
Via: [$via]
[last_From:]
To: [$to];tag=[pid]%s[call_number]
[last_Call-ID:]
CSeq: [$cseq]
Contact: "[real]" <sip:[real]@[local_ip]:[local_port]>
P-Asserted-Identity: <tel:[real]>
Server: phone of [real]
Warning: 399 [real] "[real]"
`, code, tag)+lines(headers)+body)
}

// replies is a response to the latest request.
func replies(code int, body string, headers ...string) string {
	return message("", fmt.Sprintf(`SIP/2.0 %d Call of [real]
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Contact: "[real]" <sip:[real]@[local_ip]:[local_port]>
Server: phone of [real]
`, code)+lines(headers)+body)
}

// requests is a request of the called side inside the dialog.
func requests(attributes, method string, cseq int, tag, body string, headers ...string) string {
	return message(attributes, fmt.Sprintf(`%s [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: [$to];tag=[pid]%s[call_number]
To: [$from]
[last_Call-ID:]
CSeq: %d %s
Contact: "[real]" <sip:[real]@[local_ip]:[local_port]>
User-Agent: phone of [real]
`, method, tag, cseq, method)+lines(headers)+body)
}

func waits(milliseconds int) string { return fmt.Sprintf(`<pause milliseconds="%d"/>`, milliseconds) }
