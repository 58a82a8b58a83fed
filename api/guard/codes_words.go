package guard

// codeWords are what one-time codes are called, by language.
func codeWords() []string {
	return []string{
		// English
		"code", "passcode", "otp", "one-time password", "one time password", "one-time pin", "one time pin", "verification", "verify", "security code", "login code", "sign-in code",
		// Spanish, Portuguese, Catalan
		"código", "codigo", "verificación", "verificação", "codi", "clave dinámica",
		// French
		"vérification", "mot de passe à usage unique",
		// German
		"bestätigungscode", "sicherheitscode", "anmeldecode", "zugangscode", "einmalpasswort", "verifizierungscode", "prüfcode", "tan",
		// Italian
		"codice", "verifica",
		// Dutch
		"verificatiecode", "bevestigingscode", "beveiligingscode", "inlogcode",
		// Swedish, Danish, Norwegian, Finnish
		"verifieringskod", "bekräftelsekod", "säkerhetskod", "engångskod", "kod", "bekræftelseskode", "sikkerhedskode", "engangskode", "kode", "vahvistuskoodi", "koodi",
		// Polish, Czech, Slovak, Croatian, Slovene, Romanian, Hungarian
		"kod weryfikacyjny", "kód", "ověřovací", "overovací", "kôd", "koda", "cod", "codul", "kódja", "ellenőrző kód",
		// Turkish, Azeri, Uzbek, Indonesian, Malay, Vietnamese, Swahili
		"doğrulama", "onay kodu", "kodu", "kodunuz", "təsdiq kodu", "tasdiqlash kodi", "kodingiz", "kode verifikasi", "kod pengesahan", "mã xác minh", "mã xác nhận", "mã otp", "nambari ya uthibitisho",
		// Russian, Ukrainian, Bulgarian, Serbian, Kazakh
		"код", "кодом", "кода", "пароль", "підтвердження", "подтверждения", "потвърждение", "кодыңыз",
		// Greek
		"κωδικός", "κωδικό",
		// Arabic, Persian, Urdu, Hebrew
		"رمز", "كود", "کد", "کوڈ", "קוד",
		// Hindi, Bengali, Tamil, Thai
		"कोड", "ओटीपी", "কোড", "குறியீடு", "รหัส",
		// Chinese, Japanese, Korean
		"验证码", "驗證碼", "校验码", "动态密码", "認証コード", "認証番号", "確認コード", "인증번호", "인증 코드", "인증코드",
	}
}

// brandWords are names of services that many accounts are registered with. They are
// compared where the text holds a code as well.
func brandWords() []string {
	return []string{
		"airbnb", "alibaba", "alipay", "aliexpress", "amazon", "apple", "apple id", "badoo", "baidu", "binance", "blizzard", "booking.com", "bumble", "bybit",
		"cash app", "coinbase", "craigslist", "deliveroo", "didi", "discord", "doordash", "dropbox", "ebay", "facebook", "glovo", "gmail", "gojek", "google", "happn",
		"hinge", "icloud", "imo", "instagram", "kakao", "kakaotalk", "klarna", "kraken", "lazada", "linkedin", "lyft", "mail.ru", "mercado libre", "mercado pago",
		"mercari", "meta", "microsoft", "monzo", "naver", "netflix", "nike", "nubank", "okcupid", "olx", "openai", "outlook", "paypal", "paytm", "poshmark", "proton",
		"qq", "quora", "rappi", "reddit", "revolut", "roblox", "shein", "shopee", "skype", "snapchat", "spotify", "steam", "stripe", "swiggy", "taobao", "telegram",
		"temu", "tencent", "tiktok", "tinder", "tokopedia", "truecaller", "twitch", "twitter", "uber", "venmo", "viber", "vinted", "vkontakte", "wechat", "weibo",
		"whatsapp", "wildberries", "x.com", "yahoo", "yandex", "youtube", "zalo", "zelle", "zoom", "авито", "вконтакте", "госуслуги", "сбербанк", "яндекс", "微信", "支付宝", "淘宝",
		"抖音", "小红书", "微博", "카카오", "네이버",
	}
}
