-- +goose Up

-- A SIP peer takes messages too.
ALTER TABLE maskline.bindings DROP CONSTRAINT bindings_to;
ALTER TABLE maskline.bindings ADD CONSTRAINT bindings_to CHECK (CASE to_kind
    WHEN 'tel' THEN to_value ~ '^[0-9]{7,15}$'
    WHEN 'smpp' THEN to_value ~ '^[\x21-\x7e]{1,15}$' AND services = 'sms'
    WHEN 'sip' THEN to_value ~ '^[\x21-\x7e]+@[\x21-\x7e]+$' AND length(to_value) <= 255
    ELSE false END);
COMMENT ON COLUMN maskline.bindings.services IS 'sms, voice or sms+voice; smpp takes sms only';

-- +goose Down
DELETE FROM maskline.bindings WHERE to_kind = 'sip' AND services <> 'voice';
ALTER TABLE maskline.bindings DROP CONSTRAINT bindings_to;
ALTER TABLE maskline.bindings ADD CONSTRAINT bindings_to CHECK (CASE to_kind
    WHEN 'tel' THEN to_value ~ '^[0-9]{7,15}$'
    WHEN 'smpp' THEN to_value ~ '^[\x21-\x7e]{1,15}$' AND services = 'sms'
    WHEN 'sip' THEN to_value ~ '^[\x21-\x7e]+@[\x21-\x7e]+$' AND length(to_value) <= 255 AND services = 'voice'
    ELSE false END);
COMMENT ON COLUMN maskline.bindings.services IS 'sms, voice or sms+voice; smpp takes sms only, sip voice only';
