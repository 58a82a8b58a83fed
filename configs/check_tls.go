package configs

// serverTLS checks a listener's TLS.
func (c *checker) serverTLS(t *ServerTLS, path string) {
	c.pair(t.Cert, t.Key, path)
	if t.ClientCA != "" && t.Cert == "" {
		c.fault(under(path, "client_ca"), "is given, but no certificate of ours, so there is no TLS; expected cert and key too", under(path, "cert"))
	}
}

// clientTLS checks TLS towards an SMSC.
func (c *checker) clientTLS(t *SMPPTLS, path string) {
	c.pair(t.Cert, t.Key, path)
	if !t.Enabled && *t != (SMPPTLS{}) {
		c.fault(under(path, "enabled"), "is false, so the other keys of tls would do nothing; expected true", under(path, "cert"), under(path, "key"))
	}
}

// pair checks that a certificate comes with its key.
func (c *checker) pair(cert, key Path, path string) {
	switch {
	case cert != "" && key == "":
		c.fault(under(path, "key"), "is missing beside cert; expected the file of its private key", under(path, "cert"))
	case cert == "" && key != "":
		c.fault(under(path, "cert"), "is missing beside key; expected the file of its certificate", under(path, "key"))
	}
}
