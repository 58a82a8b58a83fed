package configs

import "strings"

// digest checks the users and realms of a neighbour's digests.
func (c *checker) digest(t *Trunk, path string) {
	in, out := under(path, "auth_in"), under(path, "auth_out")
	c.digestUser(t.AuthIn.Username, t.AuthIn.Password, in)
	c.digestUser(t.AuthOut.Username, t.AuthOut.Password, out)
	c.quotable(t.AuthOut.Realm, under(out, "realm"))
	if enabled := under(path, "register.enabled"); t.Register.Enabled && (t.AuthOut.Username == "" || t.Addr.Host == "") {
		c.fault(enabled, "has no account or no registrar; expected auth_out.username and addr", under(out, "username"), under(path, "addr"))
	}
	if t.AuthOut.Username != "" && t.Addr.Host == "" {
		c.fault(under(out, "username"), "answers nobody, since we send nothing to this neighbour; expected addr too", under(path, "addr"))
	}
}

// sipAuth checks what all digests that we ask for have in common.
func (c *checker) sipAuth(a *SIPAuth) {
	const path = "sip.auth"
	c.quotable(a.Realm, under(path, "realm"))
	if len(a.Algorithms) == 0 {
		c.fault(under(path, "algorithms"), "is an empty list, so nobody could answer; expected sha-256, md5 or both")
	}
	if len(a.Algorithms) > 1 && a.Algorithms[0] == a.Algorithms[1] || len(a.Algorithms) > len(a.Algorithms[0].choices()) {
		c.fault(under(path, "algorithms"), "holds one twice; expected each once")
	}
}

func (c *checker) digestUser(name string, password Secret, path string) {
	c.quotable(name, under(path, "username"))
	switch {
	case name != "" && password.Reveal() == "":
		c.fault(under(path, "password"), "is missing beside username; expected the password of this user", under(path, "username"))
	case name == "" && password.Reveal() != "":
		c.fault(under(path, "username"), "is missing beside password; expected the user that it belongs to", under(path, "password"))
	}
}

// quotable checks what stands between quotes in a digest.
func (c *checker) quotable(text, path string) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7F || r == '"' || r == '\\' }) {
		c.fault(path, "holds a quote, a backslash or a control character; expected a text without them")
	}
}
