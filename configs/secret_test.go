package configs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v3"
)

func TestSecretsNeverPrint(t *testing.T) {
	const planted = "hunter2"
	values := map[string]any{
		"secret": Secret{planted}, "url": DatabaseURL{"postgres://a:" + planted + "@b/c"},
		"account": Account{Password: Secret{planted}}, "pointer": &Config{Database: Database{URL: DatabaseURL{"postgres://" + planted}}},
		"list": []Secret{{planted}},
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			var printed strings.Builder
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %[1]v"} {
				fmt.Fprintf(&printed, verb, v)
			}
			for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
				text, err := marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				printed.Write(text)
			}
			line, err := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()).EncodeEntry(zapcore.Entry{}, []zap.Field{zap.Any("v", v), zap.Reflect("r", v)})
			if err != nil {
				t.Fatal(err)
			}
			printed.Write(line.Bytes())
			for _, form := range []string{planted, fmt.Sprintf("%x", planted), fmt.Sprintf("%X", planted), "104 117 110"} {
				if strings.Contains(printed.String(), form) {
					t.Errorf("the secret shows as %q", form)
				}
			}
		})
	}
}

func TestRevealIsTheSecret(t *testing.T) {
	cfg := mustParse(t, `
database: {url: "postgres://a:b@c/d"}
tenants: [{name: shop}]
smpp:
  listen: [{addr: 127.0.0.1:2775}]
  accounts: [{system_id: shop, password: p455, tenant: shop}]
`)
	if cfg.SMPP.Accounts[0].Password.Reveal() != "p455" || cfg.Database.URL.Reveal() != "postgres://a:b@c/d" {
		t.Fatal("a secret was altered")
	}
	if (Secret{}).String() != "" || (DatabaseURL{}).String() != "" {
		t.Fatal("an empty secret looks like one")
	}
}
