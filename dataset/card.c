/* Version cards: YAML front matter, then plain Markdown that needs no other page to be understood. */
#include "dataset/card.h"

#include <ctype.h>
#include <string.h>

#include "dataset/minisign.h"

/* As hub licence ids are spelled. */
static void card_licence(struct wn_text *text, const char *licence)
{
	for (const char *c = licence; *c; c++) {
		char lower = (char)tolower((unsigned char)*c);
		wn_text_add(text, &lower, 1);
	}
}

static const char *card_size(int64_t rows)
{
	static const struct {
		int64_t below;
		const char *name;
	} sizes[] = {{1000, "n<1K"}, {10000, "1K<n<10K"}, {100000, "10K<n<100K"}, {1000000, "100K<n<1M"},
		{10000000, "1M<n<10M"}, {100000000, "10M<n<100M"}};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		if (rows < sizes[i].below)
			return sizes[i].name;
	return "100M<n<1B";
}

static void card_front(struct wn_text *text, const struct manifest *facts, const struct campaign *campaign)
{
	wn_text_add_string(text, "---\n");
	if (facts->licence_count > 0)
		wn_text_add_string(text, "license:\n");
	for (size_t i = 0; i < facts->licence_count; i++) {
		wn_text_add_string(text, "  - \"");
		card_licence(text, facts->licences[i]);
		wn_text_add_string(text, "\"\n");
	}
	wn_text_printf(text, "pretty_name: \"%s, version %lld\"\n", facts->dataset, (long long)facts->version);
	if (campaign->language_count > 0)
		wn_text_add_string(text, "language:\n");
	for (int i = 0; i < campaign->language_count; i++) {
		wn_text_add_string(text, "  - ");
		json_quote(text, wn_slice_of(campaign->languages[i]));
		wn_text_add_string(text, "\n");
	}
	wn_text_printf(text,
		"size_categories:\n  - \"%s\"\n"
		"annotations_creators:\n  - crowdsourced\n"
		"configs:\n  - config_name: default\n    data_files:\n      - split: train\n        path: "
		"data/*.jsonl.gz\n"
		"---\n\n",
		card_size(facts->row_count));
}

static void card_quote(struct wn_text *text, const char *words)
{
	wn_text_add_string(text, "> ");
	for (const char *c = words; *c; c++) {
		if ((unsigned char)*c >= 0x20)
			wn_text_add(text, c, 1);
		if (*c == '\n')
			wn_text_add_string(text, "\n> ");
	}
	wn_text_add_string(text, "\n");
}

static void card_recipe(struct wn_text *text, const struct manifest *facts, const struct campaign *campaign)
{
	const struct recipe *recipe = &facts->recipe;
	wn_text_printf(text, "Accepted items of the campaign `%s`, whose validators were asked:\n\n", recipe->campaign);
	card_quote(text, campaign->question);
	wn_text_printf(text, "\nRows: %lld. Added since the version before: %lld, removed: %lld.\n",
		(long long)facts->row_count, (long long)facts->added, (long long)facts->removed);
	if (recipe->p_good_least > 0)
		wn_text_printf(text, "Only items that are good with a probability of at least %lld millionths.\n",
			(long long)recipe->p_good_least);
	for (int i = 0; i < recipe->choice_count; i++)
		wn_text_printf(text, "%s`%s`%s", i == 0 ? "Only items judged " : ", ", recipe->choices[i],
			i + 1 == recipe->choice_count ? ".\n" : "");
	wn_text_add_string(text, "\nSplits (column `split`), by the item's id alone, so that a row keeps its split in "
				 "later versions:\n");
	for (int i = 0; i < recipe->split_count; i++)
		wn_text_printf(text, "`%s` %lld of 1,000,000%s", recipe->splits[i].name,
			(long long)recipe->splits[i].ppm, i + 1 == recipe->split_count ? ".\n" : ", ");
	wn_text_add_string(text, "The first 8 bytes of SHA-256(`winnow/split/v1`, a zero byte, the id's 32 bytes), "
				 "little-endian, modulo 1,000,000, "
				 "against the running sum.\n");
}

static void card_columns(struct wn_text *text)
{
	wn_text_add_string(text, "\n## Columns\n\n"
				 "| column | meaning |\n| --- | --- |\n"
				 "| `author` | pseudonym of the author within this campaign |\n"
				 "| `basis` | why the item may be used |\n"
				 "| `content` | the text, or a window {device, channels, samples} of readings |\n"
				 "| `kind` | `text` or `window` |\n"
				 "| `language` | BCP 47 |\n"
				 "| `licence` | SPDX id |\n"
				 "| `published_ms` | milliseconds since 1970; 0: not said |\n"
				 "| `source`, `source_id` | where it comes from, its name there |\n"
				 "| `tags` | as given by the author |\n"
				 "| `label` | the choice that the validators' votes settled on |\n"
				 "| `p_good` | probability that the item is good, in millionths |\n"
				 "| `votes` | votes of its panels |\n"
				 "| `cluster` | smallest item id of its group of near duplicates |\n"
				 "| `contributor` | salted commitment under which the journal knows the contributor |\n"
				 "| `split` | see above |\n"
				 "| `export` | `full`; `ids_only`: the source's terms forbid handing on the content, "
				 "`canonical_sha256` stands for it |\n"
				 "| `train` | `allowed` or `forbidden` by the source's terms |\n"
				 "| `item_id`, `salt` | see below |\n");
}

static void card_checks(struct wn_text *text, const struct manifest *facts)
{
	struct minisign_public public;
	char key[MINISIGN_PUBLIC_ROOM], root[ID_HEX_ROOM], network[ID_HEX_ROOM];
	minisign_public_of(&facts->manifest_key, &public);
	minisign_public_write(&public, key);
	hex_write(root, facts->row_root.bytes, ID_BYTES);
	hex_write(network, facts->network.bytes, ID_BYTES);
	wn_text_printf(text,
		"\n## How to check it\n\n"
		"```\nwinnow verify . --key %s\n```\n\n"
		"checks everything below. Without winnow:\n\n"
		"```\nminisign -Vm manifest.json -P %s\nsha256sum -c SHA256SUMS\n```\n\n"
		"Get the key from the network, not from here: it stands in `genesis.json`, whose SHA-256 is the "
		"network's id,\n`%s`.\n\n",
		key, key, network);
	wn_text_add_string(text, "- Each line of `data/` is canonical JSON (RFC 8785); lines are sorted by `item_id`.\n"
				 "- `item_id` = SHA-256(`winnow/item/v1`, a zero byte, network id, `salt`, "
				 "SHA-256(item)), where the item is the canonical JSON of\n"
				 "  {author, basis, content, kind, language, licence, published_ms, source, source_id, "
				 "tags} of the line. The journal's `items`\n"
				 "  entries name these ids, its `final` entries say that they were accepted.\n"
				 "- `receipts/rows.bin` holds 32 bytes a row, in row order: the leaf SHA-256(00, line "
				 "without its newline). They are the leaves of an\n"
				 "  RFC 9162 tree (node: SHA-256(01, left, right)), so the path from any row to the "
				 "root proves that the row belongs to this version.\n");
	wn_text_printf(text, "- Its root is `%s`, which the manifest names.\n", root);
	wn_text_printf(text,
		"- `checkpoint` is the signed note of the journal at %lld entries: what this version was made of.\n"
		"- `campaign.json` is the campaign's document.\n",
		(long long)facts->checkpoint_size);
}

bool card_write(struct wn_arena *arena, const struct manifest *facts, const struct campaign *campaign,
	struct wn_slice *out, struct wn_error *err)
{
	struct wn_text text;
	wn_text_init(&text, arena);
	card_front(&text, facts, campaign);
	wn_text_printf(&text, "# %s, version %lld\n\n", facts->dataset, (long long)facts->version);
	if (facts->recipe.sample)
		wn_text_add_string(&text, "**This is a sample: written for a try-out and judged by robots.**\n\n");
	card_recipe(&text, facts, campaign);
	card_columns(&text);
	card_checks(&text, facts);
	*out = (struct wn_slice){text.data, text.bytes};
	return !text.full || wn_fail(err, WN_FULL, "memory", "no room for the card");
}
