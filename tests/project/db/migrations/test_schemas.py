from project.db.migrations.schemas import Content, difference, parse_dump

DUMP = """--
-- PostgreSQL database dump
--

\\restrict abc

SET lock_timeout = 0;

--
-- Name: note; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.note (
    id bigint CONSTRAINT memo_id_not_null NOT NULL,
    title text
);


--
-- Name: note pk_note; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.note
    ADD CONSTRAINT pk_note PRIMARY KEY (id);

\\unrestrict abc
"""
LATE_COLUMN = DUMP.replace(
    "    id bigint CONSTRAINT memo_id_not_null NOT NULL,\n    title text\n",
    "    title text,\n    id bigint NOT NULL\n",
)


def test_order_of_columns_does_not_count() -> None:
    assert LATE_COLUMN != DUMP
    assert parse_dump(DUMP.replace("abc", "def")) == parse_dump(LATE_COLUMN)


def test_difference() -> None:
    before = Content(parse_dump(DUMP), {"note": 3, "memo": 0})
    after = Content(parse_dump(DUMP.replace("title text", "title text NOT NULL")), {})
    lines = difference(before, after)
    assert "-    title text" in lines
    assert "+    title text NOT NULL" in lines
    assert "-note: 3 rows" in lines
    assert not any("memo" in line for line in lines)
    assert difference(before, before) == []
