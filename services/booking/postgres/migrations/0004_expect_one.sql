-- +goose Up
-- Makes a transaction fail whose guarded update met nothing, so that the update and what belongs
-- to it can be sent together, in one round trip.
-- +goose StatementBegin
CREATE FUNCTION expect_one(n bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF n <> 1 THEN
        RAISE EXCEPTION 'expected one row, met %', n USING ERRCODE = 'no_data_found';
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION expect_one;
