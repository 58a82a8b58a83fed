package guard

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCodes(t *testing.T) {
	c := NewCodes([]string{"Shopwerk"})
	for text, want := range map[string]CodeKind{
		"Your WhatsApp code: 123-456. Don't share it":                    BrandCode,
		"<#> 483920 is your Uber code. Do not share it. Ab12Cd34Ef5":     BrandCode,
		"G-582913 is your Google verification code.":                     BrandCode,
		"Use 7731 to verify your Tinder account":                         BrandCode,
		"Telegram code 55123\n\nYou can also tap on this link":           BrandCode,
		"Ваш код Яндекс: 4821":                                           BrandCode,
		"Код 482193 для входа в Telegram":                                BrandCode,
		"【微信】验证码 482193，5分钟内有效":                                          BrandCode,
		"Tu código de Instagram es 482 193":                              BrandCode,
		"Dein Bestätigungscode für PayPal lautet 482193":                 BrandCode,
		"카카오 인증번호 [482193]":                                              BrandCode,
		"Your code is 482193":                                            SomeCode,
		"Ihr Sicherheitscode: 4821":                                      SomeCode,
		"رمز التحقق 482193":                                              SomeCode,
		"Shopwerk: your code is 482193":                                  NoCode,
		"Hi, this is Ana, I am at the door":                              NoCode,
		"I'm outside, call me on +447700900123":                          NoCode,
		"The parcel costs $4821.50, pay by code of conduct":              NoCode,
		"See you 12/11/2026 at the code club":                            NoCode,
		"Meet me at 10:30, gate code later":                              NoCode,
		"Uber is here, number plate AB12 3456":                           NoCode,
		"":                                                               NoCode,
		"123456":                                                         NoCode,
		"the decoder 123456 decodes":                                     NoCode,
		"code " + strings.Repeat("1", 30):                                NoCode,
		"your amazon order 123456789012 has shipped, tracking code sent": NoCode,
	} {
		if got := c.Look(bytes.ToUpper([]byte(text))); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

func FuzzCodes(f *testing.F) {
	c := NewCodes([]string{"own"})
	f.Add("Your WhatsApp code: 123-456")
	f.Add("G-1234567 код 4821 \xff\xfe")
	f.Fuzz(func(t *testing.T, text string) {
		kind := c.Look([]byte(text))
		if kind != NoCode && (!utf8.ValidString(text) && len(text) < shortestCode || !strings.ContainsAny(text, "0123456789")) {
			t.Error("a code without digits")
		}
	})
}

func BenchmarkCodes(b *testing.B) {
	c := NewCodes(nil)
	for name, text := range map[string]string{
		"code": "YOUR VERIFICATION CODE IS 482193. DO NOT SHARE IT WITH ANYBODY, ALSO NOT WITH US.",
		"none": "HI, THIS IS ANA, I AM AT THE DOOR WITH YOUR PARCEL, PLEASE COME DOWN OR CALL ME.",
	} {
		b.Run(name, func(b *testing.B) {
			upper := []byte(text)
			b.ReportAllocs()
			for b.Loop() {
				c.Look(upper)
			}
		})
	}
}
