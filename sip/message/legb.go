package message

import "maskline/e164"

// anonymous is the caller of whom nothing is shown. RFC 3323 §4.1.1.3.
const anonymous = "sip:anonymous@anonymous.invalid"

// CLI is how a trunk wants to be told who calls, and whom.
type CLI struct {
	From     bool    // the presented number stands in From
	Asserted bool    // and in P-Asserted-Identity
	User     string  // user part of From where the number does not stand there; empty: From is anonymous
	Domain   string  // host part of both; empty: our own address
	Numbers  Numbers // how both are written
}

// LegB names the parties of an outgoing INVITE: the number that the called
// side sees, and the destination. No other number has a way into it.
type LegB struct {
	CLI     *CLI
	Present e164.Number // none: anonymous
	To      e164.Number // none: User is called
	User    string      // user part for a destination that is no number
	Host    string      // "host:port" of the trunk
	Own     string      // "host:port" of ours
}

// Caller is the URI for From.
func (b *LegB) Caller() string {
	if b.CLI.User != "" && !b.CLI.From {
		dst := appendEscaped(append(make([]byte, 0, 64), "sip:"...), b.CLI.User)
		return b.at(dst)
	}
	if b.Present == 0 || !b.CLI.From {
		return anonymous
	}
	return b.presented()
}

// Asserted is the URI for P-Asserted-Identity, empty for none.
func (b *LegB) Asserted() string {
	if b.Present == 0 || !b.CLI.Asserted {
		return ""
	}
	return b.presented()
}

func (b *LegB) presented() string {
	dst := append(make([]byte, 0, 64), "sip:"...)
	return b.at(b.CLI.Numbers.append(dst, b.Present))
}

// at adds the host part of a caller.
func (b *LegB) at(dst []byte) string {
	host := b.CLI.Domain
	if host == "" {
		host = b.Own
	}
	dst = append(dst, '@')
	return string(append(dst, host...))
}

// Callee is the URI for the Request-URI and To.
func (b *LegB) Callee() string {
	dst := append(make([]byte, 0, 64), "sip:"...)
	if b.To != 0 {
		dst = appendEscaped(dst, b.CLI.Numbers.TechPrefix)
		dst = b.CLI.Numbers.append(dst, b.To)
	} else {
		dst = appendEscaped(dst, b.User)
	}
	dst = append(dst, '@')
	return string(append(dst, b.Host...))
}
