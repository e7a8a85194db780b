//! SQL that grows with the filters given: every value is bound, and a placeholder may be used more than once.

use sqlx::postgres::PgArguments;
use sqlx::{Arguments, Encode, FromRow, PgPool, Postgres, Row, Type};

use crate::error::{ApiError, Result};
use crate::page::count_of;

/// `%text%` for `ilike`, with the wildcards in `text` taken literally.
#[must_use]
pub fn contains(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

/// Conditions, joined by `and`, and the values they speak of.
#[derive(Default)]
pub struct Filter {
    conditions: Vec<String>,
    args: PgArguments,
    failed: Option<String>,
}

impl Filter {
    /// Binds a value and returns its placeholder.
    pub fn bind<'q, T: Encode<'q, Postgres> + Type<Postgres> + 'q>(&mut self, value: T) -> String {
        if let Err(error) = self.args.add(value) {
            self.failed = Some(error.to_string());
        }
        format!("${}", self.args.len())
    }

    pub fn and(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    /// The text is somewhere in one of the columns, ignoring case. Blank texts filter nothing.
    pub fn contains(&mut self, columns: &[&str], text: Option<&str>) {
        let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else {
            return;
        };
        let value = self.bind(contains(text));
        let any: Vec<String> = columns
            .iter()
            .map(|c| format!("{c} ilike {value}"))
            .collect();
        let any = any.join(" or ");
        if columns.iter().all(|c| c.starts_with("p.")) {
            // Rules most places out at once, where no index can: the first condition that fails is the last that is looked at.
            self.and(format!("p.search_text like lower({value}) and ({any})"));
        } else {
            self.and(format!("({any})"));
        }
    }

    /// The column equals the text, ignoring case. Blank texts filter nothing.
    pub fn equals(&mut self, column: &str, text: Option<&str>) {
        let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else {
            return;
        };
        let value = self.bind(text.to_owned());
        self.and(format!("lower({column}) = lower({value})"));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// ` where …`, or nothing.
    #[must_use]
    pub fn clause(&self) -> String {
        if self.conditions.is_empty() {
            String::new()
        } else {
            format!(" where {}", self.conditions.join(" and "))
        }
    }

    /// How many rows of `from` there are (up to one more than is counted), and the `key`s of one page of them, in one statement.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn page(
        mut self,
        db: &PgPool,
        key: &str,
        from: &str,
        order: &str,
        limit: i64,
        offset: i64,
    ) -> Result<(i64, Vec<i64>)> {
        let (limit, offset) = (self.bind(limit), self.bind(offset));
        let clause = self.clause();
        let sql = format!(
            "select {}, \
             array(select {key} from {from}{clause} order by {order} limit {limit} offset {offset})",
            count_of(&format!("from {from}{clause}")),
        );
        self.checked()?;
        let query = sqlx::query_with(&sql, self.args);
        // Planned for these values: what suits a rare word does not suit a common one.
        let row = query.persistent(false).fetch_one(db).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// The ids of all places that pass.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn ids(self, db: &PgPool) -> Result<Vec<i64>> {
        let sql = format!("select array(select p.id from places p{})", self.clause());
        self.checked()?;
        let query = sqlx::query_scalar_with(&sql, self.args);
        Ok(query.persistent(false).fetch_one(db).await?)
    }

    /// All rows of `sql`, in which `{where}` stands for the conditions.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn rows<T>(self, db: &PgPool, sql: &str) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        let sql = sql.replace("{where}", &self.clause());
        self.checked()?;
        Ok(sqlx::query_as_with(&sql, self.args).fetch_all(db).await?)
    }

    fn checked(&self) -> Result<()> {
        match &self.failed {
            None => Ok(()),
            Some(cause) => Err(ApiError::internal(cause)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_input_are_literal() {
        assert_eq!(contains("50%_a\\"), "%50\\%\\_a\\\\%");
    }

    #[test]
    fn blank_filters_filter_nothing_and_placeholders_count_up() {
        let mut filter = Filter::default();
        filter.contains(&["p.name"], Some("  "));
        filter.equals("p.city", None);
        assert!(filter.is_empty());
        filter.equals("p.city", Some("Riyadh"));
        filter.contains(&["p.name", "p.address"], Some("x"));
        assert_eq!(
            filter.clause(),
            " where lower(p.city) = lower($1) and p.search_text like lower($2) and (p.name ilike $2 or p.address ilike $2)"
        );
    }
}
