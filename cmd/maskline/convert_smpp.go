package main

import (
	"time"

	"maskline/configs"
	"maskline/smpp"
	"maskline/smpp/pdu"
)

// atOnce stands for a configured zero where the package takes zero for its
// default.
const atOnce = time.Nanosecond

func smppConfig(cfg *configs.Config) smpp.Config {
	s := smpp.Config{
		BindTimeout:  cfg.SMPP.BindTimeout,
		PDUTimeout:   cfg.SMPP.PDUTimeout,
		AnswerWithin: cfg.SMPP.AnswerWithin,
		ReceiptsHold: cfg.SMPP.ReceiptsHold,
		Redelivery:   orNegative(cfg.SMPP.Redelivery),
		Share:        smpp.ShareConfig{Of: cfg.Routing.Share.Of, SlowerThan: cfg.Routing.Share.SlowerThan},
		Drain:        max(cfg.Drain.SMS, atOnce),
		Auth: smpp.AuthConfig{
			Failures: orUnlimited(cfg.SMPP.Auth.Failures), AccountFailures: orUnlimited(cfg.SMPP.Auth.AccountFailures),
			Per: cfg.SMPP.Auth.Per, Delay: orNegative(cfg.SMPP.Auth.Delay),
		},
	}
	for _, l := range cfg.SMPP.Listen {
		s.Listen = append(s.Listen, smpp.ListenConfig{
			Addr: l.Addr.String(),
			TLS:  smpp.ServerTLS{Cert: string(l.TLS.Cert), Key: string(l.TLS.Key), ClientCA: string(l.TLS.ClientCA)},
		})
	}
	for _, a := range cfg.SMPP.Accounts {
		s.Accounts = append(s.Accounts, smpp.AccountConfig{
			SystemID: a.SystemID, Password: a.Password.Reveal(),
			Tenant: string(a.Tenant), Carrier: string(a.Carrier), Country: string(a.Country), CallingCode: callingCode(a.Country),
			Binds: a.Binds, Window: a.Window, TPS: a.TPS, Allow: a.Allow, USSD: a.USSD, Quota: smpp.QuotaConfig{Day: a.Quota.Day},
			Encoding: smppEncoding(a.Encoding), Special: smppSpecial(a.Special),
		})
	}
	for _, c := range cfg.Carriers {
		carrier := smpp.CarrierConfig{Name: string(c.Name), Country: string(c.Country), CallingCode: callingCode(c.Country), TPS: c.TPS, MaskTPS: c.MaskTPS}
		for i := range c.SMPP {
			carrier.Binds = append(carrier.Binds, smppBind(&c.SMPP[i]))
		}
		if len(carrier.Binds) > 0 || hasAccount(cfg, c.Name) {
			s.Carriers = append(s.Carriers, carrier)
		}
	}
	return s
}

func hasAccount(cfg *configs.Config, carrier configs.Name) bool {
	for _, a := range cfg.SMPP.Accounts {
		if a.Carrier == carrier {
			return true
		}
	}
	return false
}

func smppBind(b *configs.Bind) smpp.BindConfig {
	ton, npi := byte(b.TON), byte(b.NPI)
	bind := smpp.BindConfig{
		Addr: b.Addr.String(), Backup: b.Role == configs.Backup,
		SystemID: b.SystemID, Password: b.Password.Reveal(), SystemType: b.SystemType, AddressRange: b.AddressRange,
		Sessions: b.Sessions, Window: b.Window, TPS: b.TPS,
		EnquireLink: b.EnquireLink, ResponseTimeout: b.ResponseTimeout,
		Reconnect: smpp.Reconnect{Min: b.Reconnect.Min, Max: b.Reconnect.Max, PerMinute: b.Reconnect.PerMinute},
		TON:       &ton, NPI: &npi,
		TLS: smpp.ClientTLS{
			Enabled: b.TLS.Enabled, CA: string(b.TLS.CA), Cert: string(b.TLS.Cert), Key: string(b.TLS.Key), Name: b.TLS.Name,
		},
		USSD: b.USSD,
		Outbind: smpp.OutbindConfig{
			Enabled: b.Outbind.Enabled, SystemID: b.Outbind.SystemID, Password: b.Outbind.Password.Reveal(), Allow: b.Outbind.Allow,
		},
		Encoding: smppEncoding(b.Encoding), Long: smppLong(b.Long), Numbers: smppNumbers(&b.Numbers), Special: smppSpecial(b.Special),
		UnknownNext: b.Unknown == configs.UnknownNext,
		Reply: smpp.Reply{
			Temporary: pdu.Status(b.Reply.Temporary), Permanent: pdu.Status(b.Reply.Permanent), Throttled: pdu.Status(b.Reply.Throttled),
		},
	}
	for i := range b.TLVs {
		octets, _ := b.TLVs[i].Octets() // checked with the file
		bind.TLVs = append(bind.TLVs, smpp.TLV{Tag: pdu.Tag(b.TLVs[i].Tag), Value: octets})
	}
	if b.Local.IsValid() {
		bind.Local = b.Local.String()
	}
	switch b.Bind {
	case configs.Transmitter:
		bind.BindType = smpp.Transmitter
	case configs.Receiver:
		bind.BindType = smpp.Receiver
	case configs.Transceiver:
		bind.BindType = smpp.Transceiver
	}
	switch b.Receipts {
	case configs.ReceiptsDecimal:
		bind.Receipts = smpp.DecimalIDs
	case configs.ReceiptsHex:
		bind.Receipts = smpp.HexIDs
	case configs.ReceiptsStandard:
		bind.Receipts = smpp.StandardIDs
	}
	return bind
}

// orUnlimited turns a configured "no limit" into a bound that is never met.
func orUnlimited(n int) int {
	if n == 0 {
		return 1 << 30
	}
	return n
}

// orNegative turns a configured zero into what packages take for "none".
func orNegative(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
