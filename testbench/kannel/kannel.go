// Package kannel runs Kannel, bearerbox and smsbox, for tests and benchmarks.
package kannel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"maskline/testbench/process"
)

// Config of a Kannel. Lines are as Kannel's own file has them.
type Config struct {
	Dir           string // of the file and of whatever Kannel writes
	IP            netip.Addr
	Admin, SMSBox uint16 // ports of bearerbox
	SendSMS       uint16 // that of smsbox for messages from user test, password test; 0: none
	Core          string // further lines of the group core
	Box           string // further lines of the group smsbox
	Binds         []Bind
	User          string // further lines of the group sendsms-user, and groups after it
}

// Bind is a connection of bearerbox to an SMSC, as a transceiver.
type Bind struct {
	ID                 string
	SMSC               netip.AddrPort
	SystemID, Password string
	Lines              string // further ones
}

// International are the lines of a bind for numbers from the country code on.
const International = "source-addr-ton = 1\nsource-addr-npi = 1\ndest-addr-ton = 1\ndest-addr-npi = 1\n"

// Write writes the file that both boxes read.
func (c *Config) Write() (file string, err error) {
	var text strings.Builder
	fmt.Fprintf(&text, `group = core
admin-port = %d
admin-interface = %[2]v
admin-password = secret
smsbox-port = %[3]d
smsbox-interface = %[2]v
box-allow-ip = 127.0.0.1
dlr-storage = internal
%[4]s
`, c.Admin, c.IP, c.SMSBox, c.Core)
	for _, b := range c.Binds {
		fmt.Fprintf(&text, `
group = smsc
smsc = smpp
smsc-id = %s
host = %v
port = %d
transceiver-mode = true
smsc-username = %s
smsc-password = %s
system-type = ""
interface-version = 34
reconnect-delay = 1
%s
`, b.ID, b.SMSC.Addr(), b.SMSC.Port(), b.SystemID, b.Password, b.Lines)
	}
	fmt.Fprintf(&text, `
group = smsbox
bearerbox-host = %[1]v
sendsms-port = %[2]d
sendsms-interface = %[1]v
%[3]s
`, c.IP, c.SendSMS, c.Box)
	if c.SendSMS != 0 {
		fmt.Fprintf(&text, "\ngroup = sendsms-user\nusername = test\npassword = test\n%s\n", c.User)
	}
	file = filepath.Join(c.Dir, "kannel.conf")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return "", fmt.Errorf("writing Kannel's configuration: %w", err)
	}
	return file, nil
}

// URL is where smsbox takes messages.
func (c *Config) URL() string {
	return fmt.Sprintf("http://%v/cgi-bin/sendsms", netip.AddrPortFrom(c.IP, c.SendSMS))
}

// Start starts a box, "bearerbox" or "smsbox", with a file of Write's.
func Start(box, file string) (*process.Child, error) {
	path, err := Program(box)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "-v", "4", file) //nolint:noctx // ended by signals
	cmd.Dir = filepath.Dir(file)
	return process.StartChild(cmd)
}

var errNone = errors.New("Kannel is needed: make peers, or as root on Debian: apt-get install kannel") //nolint:staticcheck // a name

// Program finds a box, which is not on everybody's PATH.
func Program(box string) (string, error) {
	for _, name := range []string{box, "/usr/sbin/" + box} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNone
}

// Ports are the ports of the configuration, which nobody uses now.
func (c *Config) Ports(ctx context.Context) error {
	var held net.ListenConfig
	for _, port := range []*uint16{&c.Admin, &c.SMSBox, &c.SendSMS} {
		l, err := held.Listen(ctx, "tcp", netip.AddrPortFrom(c.IP, 0).String())
		if err != nil {
			return fmt.Errorf("finding ports for Kannel: %w", err)
		}
		defer func() { _ = l.Close() }() // not before all are known
		*port = l.Addr().(*net.TCPAddr).AddrPort().Port()
	}
	return nil
}
