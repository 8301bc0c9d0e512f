"""The functions that a lake query may call: each computes from its arguments alone. What is not listed is refused.

Left out of DuckDB's are those that read files, settings, catalogs, variables or statistics, run SQL from a text, take states of
aggregates as bytes, wait, or write logs.
"""

_OPERATORS = """
! !~~ !~~* % & && * ** + - -> ->> / // < <-> << <= <=> <@ = == > >= >> @ @> ^ ^@ | || ~ ~~ ~~* ~~~ != <> !__postfix
like_escape not_like_escape ilike_escape not_ilike_escape
"""
_AGGREGATES = """
any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_min arg_min_null argmax argmin
array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count count_if count_star countif covar_pop covar_samp entropy favg first
fsum geomean geometric_mean group_concat histogram histogram_exact kahan_sum kurtosis kurtosis_pop last list listagg mad max max_by mean
median min min_by mode product quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
regr_sxx regr_sxy regr_syy reservoir_quantile sem skewness stddev stddev_pop stddev_samp string_agg sum sum_no_overflow sumkahan
var_pop var_samp variance wavg weighted_avg json_group_array json_group_object
"""
_WINDOWS = """
cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank rank_dense row_number
"""
_NUMBERS = """
abs acos acosh add asin asinh atan atan2 atanh bit_count cbrt ceil ceiling cos cosh cot degrees divide equi_width_bins even exp
factorial fdiv floor fmod gamma gcd greatest greatest_common_divisor isfinite isinf isnan lcm least least_common_multiple lgamma ln log
log10 log2 mod multiply nextafter pi pow power radians random round round_even roundbankers setseed sign signbit sin sinh sqrt subtract
tan tanh trunc xor
"""
_TEXTS = """
ascii bar base64 bin bit_length char_length character_length chr concat concat_ws contains damerau_levenshtein decode editdist3 encode
ends_with format format_bytes formatreadabledecimalsize formatreadablesize from_base64 from_binary from_hex hamming hash hex instr
jaccard jaro_similarity jaro_winkler_similarity lcase left left_grapheme len length length_grapheme levenshtein lower lpad ltrim md5
md5_number mismatches nfc_normalize octet_length ord overlay parse_dirname parse_dirpath parse_filename parse_path position prefix printf
regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array repeat replace
reverse right right_grapheme rpad rtrim sha1 sha256 split split_part starts_with str_split str_split_regex string_split
string_split_regex string_to_array strip_accents strlen strpos substr substring substring_grapheme suffix to_base to_base64 to_binary
to_hex translate trim ucase unbin unhex unicode upper url_decode url_encode
"""
_TIMES = """
age century current_date current_localtime current_localtimestamp date_add date_diff date_part date_sub date_trunc datediff datepart
datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_ns epoch_us era
get_current_time get_current_timestamp hour isodow isoyear julian last_day make_date make_time make_timestamp make_timestamp_ms
make_timestamp_ns make_timestamptz microsecond millennium millisecond minute month monthname nanosecond normalized_interval now quarter
second strftime strptime time_bucket timezone timezone_hour timezone_minute to_centuries to_days to_decades to_hours to_microseconds
to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years today transaction_timestamp
try_strptime week weekday weekofyear year yearweek ago
"""
_NESTED = """
array_append array_concat array_contains array_cosine_distance array_cosine_similarity array_cross_product array_distance array_distinct
array_dot_product array_extract array_has array_has_all array_has_any array_indexof array_inner_product array_intersect array_length
array_pop_back array_pop_front array_position array_prepend array_push_back array_push_front array_resize array_reverse
array_reverse_sort array_slice array_sort array_to_string array_unique array_value array_where array_zip cardinality element_at flatten
generate_series generate_subscripts grade_up list_append list_cat list_concat list_contains list_cosine_distance
list_cosine_similarity list_distance list_distinct list_dot_product list_element list_extract list_grade_up list_has list_has_all
list_has_any list_indexof list_inner_product list_intersect list_pack list_position list_prepend list_resize list_reverse
list_reverse_sort list_select list_slice list_sort list_unique list_value list_where list_zip list_avg list_count list_first list_last
list_max list_median list_min list_mode list_sum list_stddev_pop list_stddev_samp list_var_pop list_var_samp apply array_apply
array_filter array_reduce array_transform filter list_apply list_filter list_reduce list_transform reduce map map_concat map_contains
map_entries map_extract map_extract_value map_from_entries map_keys map_values range row struct_concat struct_contains struct_extract
struct_extract_at struct_insert struct_keys struct_pack struct_update struct_values unnest unpivot_list
"""
_JSON = """
array_to_json from_json from_json_strict json json_array json_array_length json_contains json_exists json_extract json_extract_path
json_extract_path_text json_extract_string json_keys json_merge_patch json_object json_pretty json_quote json_structure json_transform
json_transform_strict json_type json_valid json_value row_to_json to_json
"""
_OTHERS = """
bit_position bitstring error gen_random_uuid get_bit if nullif set_bit typeof uuid uuidv4 uuidv7 coalesce ifnull
"""
# Of Athena, where it has other names for the same.
_ATHENA = """
approx_distinct approx_percentile date_format from_unixtime parse_datetime to_unixtime width_bucket at_timezone
"""

_EVERY = (_OPERATORS, _AGGREGATES, _WINDOWS, _NUMBERS, _TEXTS, _TIMES, _NESTED, _JSON, _OTHERS, _ATHENA)
FUNCTIONS = frozenset(name for names in _EVERY for name in names.split())
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
# What a value may be cast to.
_TYPES = """
bigint bignum bit blob bool boolean bpchar bytea char date dec decimal double double_precision float float4 float8 hugeint int int1
int128 int16 int2 int32 int4 int64 int8 integer interval json list array long map numeric real short signed smallint string struct
row text time timestamp timestamptz timestamp_ms timestamp_ns timestamp_s timestamp_us timetz tinyint ubigint uhugeint uint128 uint16
uint32 uint64 uint8 uinteger usmallint utinyint uuid varbinary varchar binary datetime enum
"""
TYPES = frozenset(_TYPES.split()) | {
    "double precision",
    "time with time zone",
    "timestamp with time zone",
    "timestamp without time zone",
    "character varying",
}
